"""Traces in files: arrivals and channels, or one of them and the other drawn from the scenario's law."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lyaopt.arrays import Floats, Integers
from lyaopt.io.array_files import read_arrays
from lyaopt.model.system import System
from lyaopt.simulation.layout import Layout
from lyaopt.simulation.streams import make_streams
from lyaopt.simulation.traces import RECORDED, Trace, trace_error


def load_trace(path: str | Path, system: System, *, seed: int = 0, replication: int = 0) -> Trace:
    """Load a trace of a system; a record is also a trace.

    Parameters
    ----------
    path : str or Path
        Of an .npz file with `arrivals`, `channel_gain`, or both. One that is left out is drawn, as
        `complete_trace` does.
    system : System
        Gives M, S and the cuts that the trace must fit.
    seed, replication : int
        Of what is drawn.

    Returns
    -------
    Trace

    Raises
    ------
    DocumentError
        If the file is not a trace of this system, or has more than 1 GiB of arrays.
    OSError
        If it cannot be read.
    """
    trace = complete_trace(system, **read_trace_arrays(path), seed=seed, replication=replication)
    trace.check_against(system)
    return trace


def read_trace_arrays(path: str | Path) -> dict[str, Any]:
    """Read the arrays of a trace, unchecked.

    Parameters
    ----------
    path : str or Path
        As of `load_trace`.

    Returns
    -------
    dict of str to ndarray
        Those of ``arrivals``, ``channel_gain``, ``partition`` and ``edges`` that the file has; gains are
        those of links where it is a record of several edge servers.

    Raises
    ------
    DocumentError, OSError
        As `load_trace` raises them.
    """
    arrays = read_arrays(path, (), (*RECORDED, "partition", "link_gain", "edges"))
    if "link_gain" in arrays:
        arrays["channel_gain"] = arrays.pop("link_gain")
    return arrays


def complete_trace(
    system: System,
    *,
    arrivals: Integers | None = None,
    channel_gain: Floats | None = None,
    partition: Integers | None = None,
    edges: Integers | None = None,
    seed: int = 0,
    replication: int = 0,
) -> Trace:
    """Make a trace of arrivals or channels alone; the others are drawn from the scenario's law.

    What is drawn is what a simulation of the system draws with the same seed in the same replication.

    Parameters
    ----------
    system : System
        Its law is drawn from.
    arrivals : array_like (T, S) of int, optional
        New tasks of each service.
    channel_gain : array_like (T, M), optional
        h of each device; of a measured radio the share of its rate that it can carry.
    partition : array_like (ceil(T / G), S) of int, optional
        Partition points.
    edges : array_like (ceil(T / G), M) of int, optional
        The edge servers of devices, where there are several.
    seed, replication : int
        Of what is drawn.

    Returns
    -------
    Trace

    Raises
    ------
    DocumentError
        If both are left out, or one has a wrong type, shape or value.
    """
    if arrivals is None and channel_gain is None:
        raise trace_error("arrivals", "missing, as is $.channel_gain: expected at least one of them")
    given = arrivals if channel_gain is None else channel_gain
    slots = _slots(given, "arrivals" if channel_gain is None else "channel_gain")
    streams = make_streams(system, seed, range(replication, replication + 1))
    drawn = None
    if channel_gain is None:
        drawn = "channel_gain"
        channel_gain = streams.draw_gains(0, slots)
    elif arrivals is None:
        drawn = "arrivals"
        layout = Layout.of(system, 1)
        counts = streams.draw_arrivals(0, slots)
        arrivals = counts[:, layout.row_of_service, layout.device_of_service]
    assert arrivals is not None
    return Trace(arrivals, channel_gain, partition, drawn=drawn, edges=edges)


def _slots(table: Any, name: str) -> int:
    try:
        return len(table)
    except TypeError:
        raise trace_error(name, f"expected a table of numbers, got {type(table).__name__}") from None
