"""The `lyaopt` command line: each command parses, calls `lyaopt` and prints."""
