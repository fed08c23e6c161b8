"""Solution documents that differ in numbers only: their texts, made of fragments with numbers in between.

The same as `lyaopt.slot.solution_documents`, byte by byte, in a third of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic_core import to_json

from lyaopt.arrays import Floats, Integers

_SUMMARY = 6  # edge_nu, local, transmit, edge, gap, violation: as the kernel of one slot has them
_OBJECTIVES = slice(1, 4)
_OF_SLOT = 9  # these, and the total, the speed of the edge and its price


class SolutionLayout:
    """How a solution document is written.

    Parameters
    ----------
    document : dict
        One of them.
    shape : tuple of int
        (N, M): most services on a device, and devices.
    counts : sequence of int
        Numbers of services of the devices.
    """

    def __init__(self, document: dict[str, Any], shape: tuple[int, int], counts: tuple[int, ...]) -> None:
        self._pieces = [b""]
        self._split(document)
        order = _order(*shape, counts)
        assert len(self._pieces) == 2 * len(order) + 1
        self._order: Integers = np.array(order)

    def _split(self, value: Any) -> None:
        """Append the text of a value: fragments in even places, and what stands for a number in odd ones."""
        if isinstance(value, float):
            self._pieces += [b"", b""]
            return
        if not isinstance(value, dict | list):
            self._pieces[-1] += to_json(value)
            return
        keyed = isinstance(value, dict)
        self._pieces[-1] += b"{" if keyed else b"["
        for place, entry in enumerate(value):
            self._pieces[-1] += (b"," if place else b"") + (to_json(entry) + b":" if keyed else b"")
            self._split(value[entry] if keyed else entry)
        self._pieces[-1] += b"}" if keyed else b"]"

    def write(self, tau: Floats, rates: Floats, results: Floats, summary: Floats) -> list[bytes | None]:
        """Write the documents of B slots; None where a number is not finite.

        Parameters
        ----------
        tau : (B,) array
            Slot lengths in s.
        rates, results, summary : (B, 3, N, M), (B, 8, M) and (B, 6) arrays
            Of the kernel of one slot.
        """
        count = len(tau)
        of_slot = np.empty((count, _OF_SLOT))
        of_slot[:, :_SUMMARY] = summary
        # `accumulate` sums in the order of `solution_to_dict`, in which sums begin with 0: none is -0.0.
        of_device = np.add.accumulate(rates[:, 1:], axis=2)[:, :, -1] + 0.0
        of_slot[:, _SUMMARY] = np.add.accumulate(summary[:, _OBJECTIVES], axis=1)[:, -1]
        of_slot[:, _SUMMARY + 1] = np.add.accumulate(of_device[:, 1], axis=1)[:, -1]
        of_slot[:, _SUMMARY + 2] = tau * summary[:, 0]
        parts = of_slot, results.reshape(count, -1), of_device[:, 0], rates.reshape(count, -1)
        numbers = np.concatenate(parts, axis=1).take(self._order, axis=1)
        text = to_json(numbers.ravel().tolist())
        finite: list[bool] = [True] * count
        if b"N" in text or b"I" in text:  # NaN or Infinity
            finite = np.all(np.isfinite(numbers), axis=1).tolist()
        texts = text[1:-1].split(b",")
        pieces, size = self._pieces.copy(), len(self._order)
        written: list[bytes | None] = []
        for place, good in enumerate(finite):
            pieces[1::2] = texts[place * size : (place + 1) * size]
            written.append(b"".join(pieces) if good else None)
        return written


def _order(services: int, devices: int, counts: tuple[int, ...]) -> list[int]:
    """Columns of the numbers that `SolutionLayout.write` puts together, in the order of the document."""
    results = _OF_SLOT
    rate_sums = results + 8 * devices
    rates = rate_sums + devices
    order = [1, 2, 3, _SUMMARY, 4, 5, _SUMMARY + 1, _SUMMARY + 2]
    for m, count in enumerate(counts):
        cpu, power, _, _, local_energy, transmit_energy, local_price, rate_price = (
            results + row * devices + m for row in range(8)
        )
        order += [cpu, power, rate_sums + m, local_energy, transmit_energy, local_price, rate_price]
        for n in range(count):
            order += [rates + (stage * services + n) * devices + m for stage in range(3)]
    return order
