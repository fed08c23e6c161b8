"""Random numbers that follow from a counter and a key alone."""
