"""Which operations of a network belong to the head of a cut and which to its tail, for all frameworks.

The tail starts from the tensors that cross, and computes again what only rearranges them. An output that is
ready before the cut belongs to the head.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from lyaopt.errors import ProfileError
from lyaopt.model.profiles.graph import GraphCut


@dataclass(frozen=True)
class CrossingTensor:
    """A tensor that crosses a cut.

    Attributes
    ----------
    name, type : str
        Name, and type of an element such as ``float32``.
    shape : tuple of int
        Sizes.
    """

    name: str
    type: str
    shape: tuple[int, ...]


@dataclass(frozen=True)
class Wiring:
    """Operations of a network in order, and the tensors that join them.

    Attributes
    ----------
    inputs, outputs : sequence of str
        Of the network.
    reads, makes : sequence of sequence of str
        Tensors that each operation reads and makes.
    known : container of str
        Tensors that both halves have without an operation: weights and constants.
    rearranges : sequence of bool
        Whether each operation only rearranges data.
    """

    inputs: Sequence[str]
    outputs: Sequence[str]
    reads: Sequence[Sequence[str]]
    makes: Sequence[Sequence[str]]
    known: Container[str]
    rearranges: Sequence[bool]


@dataclass(frozen=True)
class Division:
    """A network divided at a cut.

    Attributes
    ----------
    made : tuple of str
        Outputs of the head: the tensors that cross, then outputs of the network that are ready.
    ready, late : tuple of str
        Outputs of the network that the head, and that the tail makes.
    head, tail : tuple of int
        Places of their operations; those that depend on constants alone, or rearrange, may be in both.
    """

    made: tuple[str, ...]
    ready: tuple[str, ...]
    late: tuple[str, ...]
    head: tuple[int, ...]
    tail: tuple[int, ...]


def divide(wiring: Wiring, cut: GraphCut) -> Division:
    """Divide a network at a cut.

    Parameters
    ----------
    wiring : Wiring
        The network.
    cut : GraphCut
        One of its legal cuts.

    Raises
    ------
    ProfileError
        If the tail needs more than the tensors that cross.
    """
    maker = {name: place for place, made in enumerate(wiring.makes) for name in made}
    ready = tuple(name for name in wiring.outputs if _is_ready(wiring, maker, cut, name))
    late = tuple(name for name in wiring.outputs if name not in ready)
    made = tuple(dict.fromkeys([*cut.crossing, *ready]))
    head, _ = _needed(wiring, maker, made, set(wiring.inputs))
    tail, _ = _needed(wiring, maker, late, set(cut.crossing))
    return Division(made, ready, late, tuple(sorted(head)), tuple(sorted(tail)))


def cut_number(at: int | str, cuts: Sequence[GraphCut]) -> int:
    """Number of a cut between the first and the last, from its number or the operation before it.

    Parameters
    ----------
    at : int or str
        Number k, or the name of an operation.
    cuts : sequence of GraphCut
        The cuts 0 to K.

    Raises
    ------
    ProfileError
        If there is no such cut, or it leaves a half empty.
    """
    names = [cut.after for cut in cuts]
    number = names.index(at) if isinstance(at, str) and at in names else at
    if isinstance(number, str):
        listed = ", ".join(names[1:-1]) or "none"
        raise ProfileError(f"expected a cut after one of {listed}, got {at!r}")
    last = len(cuts) - 1
    if not 0 < number < last:
        reason = f"expected a cut from 1 to K - 1 = {last - 1}, got {number}"
        raise ProfileError(
            f"{reason}: cuts 0 and {last} leave one half empty" if number in (0, last) else reason
        )
    return number


def _is_ready(wiring: Wiring, maker: Mapping[str, int], cut: GraphCut, output: str) -> bool:
    """Whether an output is made without the tail's operations; it may still be rearranged."""
    crossing = set(cut.crossing)
    if output in crossing:
        return True
    needed, read = _needed(wiring, maker, [output], crossing)
    if not read - crossing:
        return False
    if any(place >= cut.operations and not wiring.rearranges[place] for place in needed):
        reason = f"the tail needs more than {', '.join(cut.crossing)}"
        raise ProfileError(f"the cut after {cut.after} cannot be made: {reason}")
    return True


def _needed(
    wiring: Wiring, maker: Mapping[str, int], outputs: Iterable[str], stop: set[str]
) -> tuple[set[int], set[str]]:
    """Places of the operations that make outputs of what is given, and the inputs that they read."""
    needed: set[int] = set()
    read: set[str] = set()
    waiting = list(outputs)
    while waiting:
        name = waiting.pop()
        if name in stop or name in wiring.inputs:
            read.add(name)
        elif name not in wiring.known:
            place = maker.get(name)
            if place is not None and place not in needed:
                needed.add(place)
                waiting += wiring.reads[place]
    return needed, read
