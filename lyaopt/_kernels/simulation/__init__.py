"""Queues of tasks, traffic, channels, and the loop over slots."""
