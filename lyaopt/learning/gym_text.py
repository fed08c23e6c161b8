"""What the environments of gymnasium render: the last period as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from lyaopt.arrays import Integers
from lyaopt.errors import ProblemError
from lyaopt.learning.systems import VectorSystems

NOTHING_YET = "no period yet: call step()"


def checked_mode(render_mode: str | None) -> str | None:
    """Return a render mode.

    Parameters
    ----------
    render_mode : {"ansi"} or None
        As gymnasium names it.

    Raises
    ------
    ProblemError
        If it is not one of ours.
    """
    if render_mode not in (None, "ansi"):
        reason = f'expected None or "ansi", as there are no pictures; got {render_mode!r}'
        raise ProblemError("$.render_mode", reason)
    return render_mode


def require_text(render_mode: str | None) -> None:
    """Check that an environment has text to render.

    Parameters
    ----------
    render_mode : {"ansi"} or None
        What the environment was made with.

    Raises
    ------
    ProblemError
        If it has none.
    """
    if render_mode is None:
        reason = 'expected "ansi" when the environment is made: render() returns text, not a picture'
        raise ProblemError("$.render_mode", reason)


def period_texts(
    systems: VectorSystems, period: int, points: Integers, infos: Mapping[str, NDArray[Any]]
) -> tuple[str, ...]:
    """Format the last period of every replication.

    Parameters
    ----------
    systems : VectorSystems
        After the step.
    period : int
        Number of the period in its episode, from 1.
    points : ndarray (B, S) of int
        Cuts that were chosen.
    infos : mapping
        Of the step, arrays (B, ...).

    Returns
    -------
    tuple of str
    """
    return tuple(
        "\n".join(_lines(systems, period, points[b], {name: values[b] for name, values in infos.items()}))
        for b in range(systems.replications)
    )


def _lines(systems: VectorSystems, period: int, points: Integers, info: Mapping[str, Any]) -> list[str]:
    local, transmit = 1e3 * float(info["local_energy_j"]), 1e3 * float(info["transmit_energy_j"])
    lines = [
        f"period {period} of {systems.decisions}: cost {float(info['cost']):.4g}",
        f"energy per slot {local + transmit:.4g} mJ (local {local:.4g}, transmit {transmit:.4g}), "
        f"backlog {float(info['backlog']):.4g} tasks",
    ]
    counts, sums = info["completed_tasks"], info["latency_sum_s"]
    places = [(device, service) for device in systems.system.devices for service in device.services]
    for number, (device, service) in enumerate(places):
        count = int(counts[number])
        latency = f", mean latency {float(sums[number]) / count:.4g} s" if count else ""
        cut = f"cut {int(points[number])} of {int(systems.choices[number]) - 1}"
        lines.append(f"{device.id or 'device'} {service.model}: {cut}, {count} tasks completed{latency}")
    return lines
