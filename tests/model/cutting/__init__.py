"""Tests of networks cut in two."""
