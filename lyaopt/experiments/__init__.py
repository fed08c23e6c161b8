"""Sweeps over settings, policies and training seeds, and the paper's figures."""
