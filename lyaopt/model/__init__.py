"""The system as data: devices, services, channels, profiles of networks, scenarios."""
