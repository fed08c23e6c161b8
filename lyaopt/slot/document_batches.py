"""Slot documents that come together, as from a full pipe: read, checked and written at once.

Answers are those of `lyaopt.slot.documents` and `lyaopt.slot.solution_documents`, byte by byte, whatever
comes together. Left to them is what is not certainly valid, and what comes for the first time.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from pydantic_core import from_json

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.slot.bandwidths import device_bandwidths
from lyaopt.slot.document_layout import BANDWIDTH, Layout, skeleton
from lyaopt.slot.documents import plain_slot_problem
from lyaopt.slot.inputs import SlotInputs
from lyaopt.slot.limits import LEAST, noise_w_per_hz, range_of, signals_fit
from lyaopt.slot.slot_block import one_slot_kernel, part_shapes
from lyaopt.slot.solution_documents import solution_to_dict
from lyaopt.slot.solution_layout import SolutionLayout
from lyaopt.slot.solve import LARGEST_GAP, NETWORK_ITEMS, solve_slot

_MOST_LAYOUTS = 16
_LONGEST = 2**16
"""Bytes of a document beyond which a document takes long enough by itself."""
_REFUSED = (ValueError, TypeError, LookupError, ArithmeticError)
_Layouts = tuple[Layout, SolutionLayout]


class _Group:
    """The numbers of documents of one layout, and their places among all."""

    def __init__(self, layouts: _Layouts) -> None:
        self.layouts = layouts
        self.places: list[int] = []
        self.numbers = array("d")

    def add(self, place: int, text: bytes) -> None:
        layout, numbers = self.layouts[0], self.numbers
        try:
            numbers.extend(layout.numbers(from_json(text)))
            self.places.append(place)
        except _REFUSED:
            del numbers[len(self.places) * layout.size :]


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
        groups: dict[bytes, _Group] = {}
        for place, text in enumerate(texts):
            if text is None or len(text) > _LONGEST:
                continue
            key = skeleton(text)
            group = groups.get(key)
            if group is None:
                layouts = self._layouts.get(key) or self._learned(key, text)
                if layouts is None:
                    continue
                group = groups[key] = _Group(layouts)
            group.add(place, text)
        for group in groups.values():
            rows = np.frombuffer(group.numbers).reshape(len(group.places), group.layouts[0].size)
            for place, answer in zip(group.places, _answers(group.layouts, rows), strict=True):
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
    """The bandwidths (B, M) of the devices, or (B, 1) where all have the same, if there is as much."""
    if not layout.widths.size:
        return rows[:, BANDWIDTH, np.newaxis] / layout.shape[1]
    own = rows[:, layout.widths]
    try:
        for total, widths in zip(rows[:, BANDWIDTH].tolist(), own.tolist(), strict=True):
            device_bandwidths(total, widths)
    except ProblemError:
        return None
    return own


def _noise_if_valid(layout: Layout, rows: Floats, widths: Floats) -> float | None:
    """The noise in W/Hz, if it is everywhere the same and all numbers are valid by their bounds."""
    if len(rows) == 1:  # where lists are faster
        low = high = rows[0].tolist()
    else:
        low, high = rows.min(axis=0).tolist(), rows.max(axis=0).tolist()
    psd: float = SlotInputs.noise_psd_dbm_per_hz
    if layout.noise is not None:
        psd = low[layout.noise]
        if psd != high[layout.noise]:
            return None
        low[layout.noise] = high[layout.noise] = 0.0  # it may be negative
    try:
        noise = noise_w_per_hz(psd)
    except ProblemError:
        return None
    tau, count = (low[0], high[0]), layout.shape[1]
    band = range_of(widths)
    # A sum is finite only if its terms are.
    if not (min(low) >= 0.0 < tau[0] and sum(high) / tau[0] < math.inf and band[0] > 0.0):
        return None
    power, gain = ((min(low[place]), max(high[place])) for place in layout.power_and_gain)
    if not signals_fit(gain, power, band, count, noise, tau):
        return None
    return noise if _shortest(layout, rows) / max(tau[1], 1.0) >= LEAST else None


def _shortest(layout: Layout, rows: Floats) -> float:
    """The least backlog that is not 0."""
    queues = rows[:, layout.queues]
    if len(rows) == 1:
        return min(filter(None, queues[0].tolist()), default=math.inf)
    return float(queues.min(where=queues > 0.0, initial=math.inf))


def _solved(layouts: _Layouts, rows: Floats, widths: Floats, noise: float) -> list[bytes | None]:
    layout, solution = layouts
    parts = _Parts.new(len(rows), *layout.shape)
    parts.queues[:] = layout.fill(rows, layout.queues)
    parts.devices[:, :3] = rows[:, layout.devices].reshape(len(rows), 3, -1)
    parts.devices[:, 3] = widths
    parts.scalars[:, :5], parts.scalars[:, 5] = rows[:, :5], noise
    if layout.weights.size:
        kernel = one_slot_kernel(True)
        for of_slot in zip(layout.fill(rows, layout.weights), *parts[1:], strict=True):
            kernel(*of_slot)
    else:
        kernel = one_slot_kernel(False)
        services, devices = layout.shape
        for block in parts.blocks:
            kernel(block, services, devices, 0)
    certified: list[bool] = (parts.summary[:, 4:].max(axis=1) <= LARGEST_GAP).tolist()
    texts = solution.write(parts.scalars[:, 0], *parts[4:])
    return [text if good else None for text, good in zip(texts, certified, strict=True)]


class _Parts(NamedTuple):
    """Blocks (B, K) of slots as `lyaopt.slot.slot_block.SlotBlock` has them, and views of their parts."""

    blocks: Floats
    queues: Floats
    devices: Floats
    scalars: Floats
    rates: Floats
    results: Floats
    summary: Floats

    @classmethod
    def new(cls, count: int, services: int, devices: int) -> _Parts:
        shapes = part_shapes(services, devices)
        ends = np.cumsum([0, *map(math.prod, shapes)])
        blocks = np.empty((count, ends[-1]))
        views = [
            blocks[:, start:end].reshape(count, *shape)
            for start, end, shape in zip(ends, ends[1:], shapes, strict=False)
        ]
        return cls(blocks, *views)
