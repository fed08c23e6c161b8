"""What commands share: input and output files, options, progress, interrupts."""
