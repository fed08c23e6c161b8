"""The least cost of a task that pays for the machine time it uses, and what proves it."""
