"""Sweeps over scenarios, policies and training seeds, and the figures of the paper made of them."""
