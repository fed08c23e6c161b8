"""Time the halves of every cut of an ONNX network on this machine, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.model.cutting.onnx_halves import OnnxNetwork, halves_at, load_network
from lyaopt.model.cutting.onnx_run import open_session, random_inputs
from lyaopt.model.profiles.graph import GraphCut, Selection, legal_cuts
from lyaopt.model.profiles.input_shapes import InputShapes
from lyaopt.model.profiles.measurement import Measurement
from lyaopt.model.profiles.timing import Half, Timing, summary, time_halves

DEFAULT_TIMING = Timing()
_MOST_WEIGHTS = 2**30
"""Bytes of the weights of all halves that are in memory together; a runtime holds them several times."""


def measure_onnx(
    path: str | Path,
    *,
    input_shape: InputShapes | None = None,
    selection: Selection = "single",
    bits_per_element: int = 8,
    timing: Timing = DEFAULT_TIMING,
) -> Measurement:
    """Run head and tail of every cut that `profile_onnx` lists, as `lyaopt cut` makes them, and time them.

    Halves of networks with many weights are timed in groups, one after another.

    Parameters
    ----------
    path, input_shape, selection, bits_per_element
        As of `lyaopt.model.profiles.onnx_profiler.profile_onnx`.
    timing : Timing
        How; its threads are those of an operation, and operations run one after another.

    Returns
    -------
    Measurement

    Raises
    ------
    ProfileError
        If the file cannot be profiled, or a half cannot be run here.
    MissingExtraError
        Without onnxruntime (extra `measure`).
    """
    with needs_extra("measure"):
        import onnxruntime
    network = load_network(Path(path), input_shape)
    cuts = legal_cuts(network.graph, selection, bits_per_element)
    groups = _groups(network, len(cuts))
    timing = replace(timing.with_frequency(), groups=len(groups))
    times = np.zeros((timing.runs, 2, len(cuts)))
    for done, group in enumerate(groups):
        halves = [_runs(network, cuts, number, timing.threads) for number in group]
        heads, tails = [head for head, _ in halves], [tail for _, tail in halves]
        found = time_halves([*heads, *tails], timing, done * (timing.runs + 1))
        times[:, :, group] = found.reshape(timing.runs, 2, len(group))
    runtime = f"onnxruntime {onnxruntime.__version__}"
    return summary(times.reshape(timing.runs, -1), runtime, timing)


def _groups(network: OnnxNetwork, cuts: int) -> list[list[int]]:
    """Numbers of cuts whose halves are in memory together; each holds all weights once."""
    weights = sum(tensor.ByteSize() for tensor in network.model.graph.initializer)
    size = max(1, min(cuts, _MOST_WEIGHTS // max(weights, 1)))
    return [list(range(first, min(first + size, cuts))) for first in range(0, cuts, size)]


def _runs(
    network: OnnxNetwork, cuts: Sequence[GraphCut], number: int, threads: int
) -> tuple[Half | None, Half | None]:
    """Head and tail of a cut, ready to run; None where nothing runs."""
    given = random_inputs(network.model, network.shapes, 0)
    if number in (0, len(cuts) - 1):
        whole, _ = _run(network.model, given, threads, "the network")
        return (None, whole) if number == 0 else (whole, None)
    halves = halves_at(network, cuts, number)
    place = f"of the cut after {halves.cut.after}"
    head, made = _run(halves.head, given, threads, f"the head {place}")
    crossing = {name: made[name] for name in halves.crossing}
    tail, _ = _run(halves.tail, crossing, threads, f"the tail {place}")
    return head, tail


def _run(model: Any, given: dict[str, Any], threads: int, what: str) -> tuple[Half, dict[str, Any]]:
    """A function that runs a model on inputs, and what it gives."""
    names = [value.name for value in model.graph.output]
    try:
        session = open_session(model, threads)
        made = dict(zip(names, session.run(names, given), strict=True))
    # Operators that it lacks, types that they refuse and what it has no room for raise errors of any kind.
    except Exception as failure:
        reason = " ".join(f"{type(failure).__name__}: {failure}".split())
        raise ProfileError(f"{what} cannot be run here: {reason}") from failure
    return partial(session.run, names, given), made
