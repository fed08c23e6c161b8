"""Modules that commands share: input and output, options, progress, interrupts."""
