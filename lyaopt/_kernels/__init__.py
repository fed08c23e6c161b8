"""The compiled kernels, by mathematical part."""
