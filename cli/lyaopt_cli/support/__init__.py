"""What commands share: input and output, options, progress, interrupts."""
