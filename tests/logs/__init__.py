"""Tests of logs of radios."""
