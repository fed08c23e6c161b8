"""Slot documents that come together, as from a full pipe: read, checked and written at once.

Answers are those of `lyaopt.slot.documents` and `lyaopt.slot.solution_documents`, byte by byte, whatever
comes together. Left to them is what is not certainly valid, and what comes for the first time.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np
from pydantic_core import from_json

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.slot.bandwidths import device_bandwidths
from lyaopt.slot.document_layout import BANDWIDTH, Layout, skeleton
from lyaopt.slot.documents import plain_slot_problem
from lyaopt.slot.inputs import SlotInputs
from lyaopt.slot.limits import LEAST, noise_w_per_hz, range_of, signals_fit
from lyaopt.slot.solution_documents import solution_to_dict
from lyaopt.slot.solution_layout import SolutionLayout
from lyaopt.slot.solve import (
    LARGEST_GAP,
    NETWORK_ITEMS,
    RESULT_ROWS,
    SUMMARY_PLACES,
    one_slot_kernel,
    solve_slot,
)

_MOST_LAYOUTS = 16
_LONGEST = 2**16
"""Bytes of a document beyond which a document takes long enough by itself."""
_REFUSED = (ValueError, TypeError, LookupError, ArithmeticError)
_Layouts = tuple[Layout, SolutionLayout]


class DocumentSolver:
    """Solves documents of a stream by the closed form, and keeps what their layouts are."""

    def __init__(self) -> None:
        self._layouts: dict[bytes, _Layouts] = {}
        self._unknown: dict[bytes, int] = {}

    def solve(self, texts: Sequence[bytes | None]) -> list[bytes | None]:
        """Return the solution documents; None where a text needs a closer look, or there is none.

        Parameters
        ----------
        texts : sequence of bytes or None
            Slot documents, in UTF-8.
        """
        answers: list[bytes | None] = [None] * len(texts)
        groups: dict[bytes, tuple[_Layouts, list[int], array[float]]] = {}
        for place, text in enumerate(texts):
            if text is None or len(text) > _LONGEST:
                continue
            key = skeleton(text)
            layouts = self._layouts.get(key) or self._learned(key, text)
            if layouts is None:
                continue
            _, places, numbers = groups.setdefault(key, (layouts, [], array("d")))
            try:
                numbers.extend(layouts[0].numbers(from_json(text)))
                places.append(place)
            except _REFUSED:
                del numbers[len(places) * layouts[0].size :]
        for layouts, places, numbers in groups.values():
            rows = np.frombuffer(numbers).reshape(len(places), layouts[0].size)
            for place, answer in zip(places, _answers(layouts, rows), strict=True):
                answers[place] = answer
        return answers

    def _learned(self, key: bytes, text: bytes) -> _Layouts | None:
        """The layouts of a skeleton that comes for the second, fourth, eighth time, if this text is valid."""
        seen = self._unknown[key] = self._unknown.get(key, 0) + 1
        if seen < 2 or seen & (seen - 1):
            if len(self._unknown) > _MOST_LAYOUTS:
                self._unknown = {key: seen}
            return None
        layouts = _layouts_of(text)
        if layouts is not None:
            if len(self._layouts) >= _MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[key] = layouts
            del self._unknown[key]
        return layouts


def _layouts_of(text: bytes) -> _Layouts | None:
    if b"\\" in text:
        return None
    try:
        data = from_json(text)
        problem = plain_slot_problem(data, text.count(b'"') // 2)
        if problem is None or problem.local_queue_cycles.size > NETWORK_ITEMS:
            return None
        layout = Layout(data, problem)
        assert problem.service_counts is not None
        document = solution_to_dict(solve_slot(problem))
        return layout, SolutionLayout(document, layout.shape, problem.service_counts)
    except _REFUSED:
        return None


def _answers(layouts: _Layouts, rows: Floats) -> list[bytes | None]:
    """Answers to documents with numbers (B, K); halves are tried where not all are certainly valid."""
    if not len(rows):
        return []
    widths = _widths(layouts[0], rows)
    noise = None if widths is None else _noise_if_valid(layouts[0], rows, widths)
    if widths is not None and noise is not None:
        return _solved(layouts, np.abs(rows), widths, noise)  # no -0.0
    if len(rows) == 1:
        return [None]
    half = len(rows) // 2
    return _answers(layouts, rows[:half]) + _answers(layouts, rows[half:])


def _widths(layout: Layout, rows: Floats) -> Floats | None:
    """The bandwidths (B, M) of the devices, if there is as much."""
    if not layout.widths.size:
        return np.repeat(rows[:, BANDWIDTH, np.newaxis] / layout.shape[1], layout.shape[1], axis=1)
    own = rows[:, layout.widths]
    try:
        for total, widths in zip(rows[:, BANDWIDTH].tolist(), own.tolist(), strict=True):
            device_bandwidths(total, widths)
    except ProblemError:
        return None
    return own


def _noise_if_valid(layout: Layout, rows: Floats, widths: Floats) -> float | None:
    """The noise in W/Hz, if it is everywhere the same and all numbers are valid by their bounds."""
    noises = {SlotInputs.noise_psd_dbm_per_hz} if layout.noise is None else {*rows[:, layout.noise].tolist()}
    if len(noises) > 1:
        return None
    try:
        noise = noise_w_per_hz(noises.pop())
    except ProblemError:
        return None
    count = layout.shape[1]
    power, gain = (range_of(rows[:, layout.devices[row * count : (row + 1) * count]]) for row in (1, 2))
    tau, band = range_of(rows[:, 0]), range_of(widths)
    magnitudes = rows if layout.noise is None else np.delete(rows, layout.noise, axis=1)
    least, most = range_of(magnitudes)
    # The comparisons are false for NaN.
    if not (least >= 0.0 < tau[0] and most < math.inf and most * rows.shape[1] / tau[0] < math.inf):
        return None
    if not (band[0] > 0.0 and signals_fit(gain, power, band, count, noise, tau)):
        return None
    queues = rows[:, layout.queues]
    shortest = float(queues.min(where=queues > 0.0, initial=math.inf))
    return noise if shortest / max(tau[1], 1.0) >= LEAST else None


def _solved(layouts: _Layouts, rows: Floats, widths: Floats, noise: float) -> list[bytes | None]:
    layout, solution = layouts
    count, (services, many) = len(rows), layout.shape
    queues = layout.fill(rows, layout.queues)
    devices = np.empty((count, 4, many))
    devices[:, :3] = rows[:, layout.devices].reshape(count, 3, many)
    devices[:, 3] = widths
    scalars = np.empty((count, 6))
    scalars[:, :5], scalars[:, 5] = rows[:, :5], noise
    rates = np.empty((count, 3, services, many))
    results, summary = np.empty((count, RESULT_ROWS, many)), np.empty((count, SUMMARY_PLACES))
    arguments: list[Floats] = [queues, devices, scalars, rates, results, summary]
    if layout.weights.size:
        arguments.insert(0, layout.fill(rows, layout.weights))
    kernel = one_slot_kernel(bool(layout.weights.size))
    for of_slot in zip(*arguments, strict=True):
        kernel(*of_slot)
    certified = np.all(summary[:, 4:] <= LARGEST_GAP, axis=1).tolist()
    texts = solution.write(scalars[:, 0], rates, results, summary)
    return [text if good else None for text, good in zip(texts, certified, strict=True)]
