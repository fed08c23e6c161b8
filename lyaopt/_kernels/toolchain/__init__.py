"""How kernels are compiled: at installation, at the first call, or not at all."""
