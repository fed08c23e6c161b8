"""What a lower bound includes of the energy that decisions do not change, or do not look ahead to."""

from __future__ import annotations

from rich.console import Console

from lyaopt.model.system import System
from lyaopt_cli.tables.layout import quantity


def print_included(console: Console, system: System) -> None:
    """Print it, where there is such energy."""
    idle = system.idle_energy_j
    parts = [f"{quantity(idle, 'J')} per slot of idle power"] if idle > 0.0 else []
    if any(device.radio is not None and device.radio.has_tail for device in system.devices):
        parts.append("tails of radios as nothing")
    if parts:
        console.print(f"Counted  {', '.join(parts)}")
