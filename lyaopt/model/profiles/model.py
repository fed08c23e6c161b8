"""The data of a profile: legal cuts of one network, with the MACs before and the bits across each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, ConfigDict, Field

from lyaopt.arrays import read_only, restore_read_only
from lyaopt.errors import ProblemError
from lyaopt.model.profiles.measurement import Measurement

LARGEST_COUNT = 2**53
"""Largest count; larger ones are not exact in float64."""


def _integral_float_to_int(value: object) -> object:
    # JSON has one type of number: 1e9 and 1000000000 are the same count.
    return int(value) if isinstance(value, float) and value.is_integer() else value


_Count = Annotated[int, Field(ge=0, le=LARGEST_COUNT), BeforeValidator(_integral_float_to_int)]
_PositiveCount = Annotated[int, Field(ge=1, le=LARGEST_COUNT), BeforeValidator(_integral_float_to_int)]
_Text = Annotated[str, Field(min_length=1)]
_STRICT = ConfigDict(strict=True, extra="forbid")


@dataclass(frozen=True)
class Source:
    """Origin of the numbers of a profile.

    Attributes
    ----------
    package, version, licence : str
        The published package that holds the definition of the network.
    definition : str
        The file, or the class and its configuration, inside that package.
    """

    __pydantic_config__ = _STRICT

    package: _Text
    version: _Text
    licence: _Text
    definition: _Text


@dataclass(frozen=True)
class Cut:
    """A cut: all operations up to and including `after` run on the device.

    Attributes
    ----------
    after : str
        The last operation before the cut.
    macs : int
        Multiply-accumulates up to the cut, cumulative.
    bits : int
        Size of all tensors that cross the cut, in bits.
    """

    __pydantic_config__ = _STRICT

    after: _Text
    macs: _Count
    bits: _Count


@dataclass(frozen=True)
class Profile:
    """The legal cuts k = 0..K of one network, in order of execution.

    Attributes
    ----------
    name : str
        Name of the network.
    source : Source or str
        Origin of its definition.
    input_bits : int
        D, the size of one input in bits.
    total_macs : int
        C, the multiply-accumulates of one inference.
    bits_per_element : int
        Bits of one element of a tensor that is sent.
    cuts : tuple of Cut
        K + 1 cuts; the first sends the input (0 MACs, `input_bits`), the last sends nothing
        (`total_macs`, 0 bits); `macs` never decreases.
    measured : Measurement or None
        Times of both halves of every cut, where they were measured.

    Raises
    ------
    ProblemError
        If the cuts contradict the totals.
    """

    __pydantic_config__ = _STRICT
    __setstate__ = restore_read_only

    name: _Text
    source: Source | _Text
    input_bits: _PositiveCount
    total_macs: _PositiveCount
    bits_per_element: Annotated[_PositiveCount, Field(le=64)]
    cuts: Annotated[tuple[Cut, ...], Field(min_length=2)]
    measured: Measurement | None = None

    def __post_init__(self) -> None:
        last = len(self.cuts) - 1
        self._require((0, "macs"), 0, "the first cut sends the input")
        self._require((0, "bits"), self.input_bits, "the first cut sends the input")
        for k, (before, cut) in enumerate(pairwise(self.cuts), start=1):
            if cut.macs < before.macs:
                reason = f"expected at least {before.macs} (MACs are cumulative), got {cut.macs}"
                raise ProblemError(f"$.cuts[{k}].macs", reason)
        self._require((last, "macs"), self.total_macs, "the last cut does all the work")
        self._require((last, "bits"), 0, "the last cut sends nothing")
        if self.measured is not None and len(self.measured.head_s) != len(self.cuts):
            count = len(self.measured.head_s)
            raise ProblemError(
                "$.measured.head_s", f"expected {len(self.cuts)} times, one a cut, got {count}"
            )

    def _require(self, place: tuple[int, str], expected: int, why: str) -> None:
        k, field = place
        got = getattr(self.cuts[k], field)
        if got != expected:
            raise ProblemError(f"$.cuts[{k}].{field}", f"expected {expected} ({why}), got {got}")

    @cached_property
    def mac_share(self) -> NDArray[np.float64]:
        """c^k: cumulative share of the MACs at or before cut k, shape (K+1,), from 0 to 1."""
        return _read_only([cut.macs / self.total_macs for cut in self.cuts])

    @cached_property
    def bit_ratio(self) -> NDArray[np.float64]:
        """d^k: bits across cut k over the input's bits, shape (K+1,), from 1 to 0; may exceed 1 between."""
        return _read_only([cut.bits / self.input_bits for cut in self.cuts])


def _read_only(values: list[float]) -> NDArray[np.float64]:
    return read_only(np.array(values, dtype=np.float64))
