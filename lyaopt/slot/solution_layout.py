"""Solution documents that differ in numbers only: their texts, made of fragments with numbers in between.

The same as `lyaopt.slot.solution_documents`, byte by byte, in a third of the time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic_core import to_json

from lyaopt.arrays import Floats

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
        self._order = _order(*shape, counts)
        assert len(self._pieces) == 2 * len(self._order) + 1

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
        # Sums in the order of `solution_to_dict`
        of_device = np.zeros((2, count, rates.shape[3]))
        for n in range(rates.shape[2]):
            of_device += rates[:, 1:, n].swapaxes(0, 1)
        edge, total = np.zeros(count), np.zeros(count)
        for m in range(rates.shape[3]):
            edge += of_device[1, :, m]
        for objective in summary[:, _OBJECTIVES].T:
            total += objective
        of_slot = np.stack([total, edge, tau * summary[:, 0]], axis=1)
        parts = summary, of_slot, results.reshape(count, -1), of_device[0], rates.reshape(count, -1)
        numbers = np.concatenate(parts, axis=1).take(self._order, axis=1)
        finite = np.isfinite(numbers).all(axis=1)
        texts = to_json(numbers.ravel().tolist())[1:-1].split(b",")
        pieces, size = self._pieces.copy(), len(self._order)
        written: list[bytes | None] = []
        for place, good in enumerate(finite.tolist()):
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
