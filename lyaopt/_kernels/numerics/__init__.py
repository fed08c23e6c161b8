"""Arithmetic that kernels share: elementary functions that vectorise, compensated sums."""
