"""Models of the system: devices, services, channels, profiles of networks, CPUs, scenarios."""
