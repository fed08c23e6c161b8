"""Slots solved for other processes: the protocol of `lyaopt serve`, and its client."""
