"""Legal cuts of a network, from its operations, for all frameworks.

A cut after operation i leaves operations 0..i on the device. The tensors that cross it are the live
set: those that depend on the input, exist by then and are read by a later operation. A result that is ready
before the cut stays on the device, where it is needed, and does not cross.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from typing import Literal

from lyaopt.errors import ProfileError
from lyaopt.model.profiles.model import Cut, Profile, Source
from lyaopt.model.profiles.widths import Width

FIRST_CUT = "input"

_WIDE_GAP = 0.25
_MOST_BITS = 64

Selection = Literal["valleys", "single", "all"]
"""Which legal cuts a profile lists; see `legal_cuts`."""


class ProfileWarning(UserWarning):
    """Work of a network that a profile does not count."""


@dataclass(frozen=True)
class Operation:
    """One operation of a network; a cut may be made after it.

    Attributes
    ----------
    name : str
        Name of a cut after it.
    inputs, outputs : tuple of str
        Names of the tensors it reads and writes, with or without constants. A tensor of which only the
        shape or the type is used is no input: both sides of a cut know it.
    macs : int
        Its multiply-accumulates.
    is_rearrangement : bool
        Whether its output holds the data of its first input in another shape or order.
    uncounted : str
        The kind of its work, if that is not in `macs`; else empty.
    """

    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    macs: int = 0
    is_rearrangement: bool = False
    uncounted: str = ""


@dataclass(frozen=True)
class Graph:
    """A network: its operations in the order of execution.

    Attributes
    ----------
    inputs : tuple of str
        Tensors that the network reads; tensors that depend on none of them are constants.
    operations : tuple of Operation
        In an order of execution.
    elements : mapping of str to int
        Number of elements of each tensor that depends on the input.
    widths : mapping of str to Width
        Bits of an element of tensors that hold no features.
    input_names : tuple of str
        What users call the inputs; empty if that is `inputs`.
    """

    inputs: tuple[str, ...]
    operations: tuple[Operation, ...]
    elements: Mapping[str, int]
    widths: Mapping[str, Width] = field(default_factory=dict)
    input_names: tuple[str, ...] = ()


@dataclass(frozen=True)
class GraphCut:
    """A legal cut and how to make it.

    Attributes
    ----------
    after : str
        Name of the last operation before the cut.
    macs : int
        Multiply-accumulates up to the cut.
    crossing : tuple of str
        Tensors that cross, each named by its first appearance.
    elements : int
        Elements of all crossing tensors together.
    operations : int
        Number of operations before the cut.
    bits : int
        Size of all crossing tensors together.
    """

    after: str
    macs: int
    crossing: tuple[str, ...]
    elements: int
    operations: int
    bits: int


def legal_cuts(
    graph: Graph, selection: Selection = "single", bits_per_element: int = 8
) -> tuple[GraphCut, ...]:
    """Find the legal cuts of a network.

    Parameters
    ----------
    graph : Graph
        The network.
    selection : {"valleys", "single", "all"}
        Cuts to keep: those crossed by one tensor ("single"); these, and the cuts crossed by several tensors
        that send less than the neighbouring cuts ("valleys": ends of blocks where branches span many
        blocks); or every cut ("all").
    bits_per_element : int
        Bits of one element of a tensor of features.

    Returns
    -------
    tuple of GraphCut
        In ascending order of MACs. Of cuts with equal MACs, the one that sends least is kept; of cuts that
        send the same tensors, the first, because more local work would not reduce the bits. The first cut
        sends the input, the last nothing; a smaller cut without MACs may follow the first.

    Raises
    ------
    ProfileError
        If no MACs are counted, or the result does not depend on the input.
    """
    cuts = _every_cut(graph, bits_per_element)
    first, last = cuts[0], cuts[-1]
    if first.elements == 0:
        raise ProfileError("the result of this network does not depend on its input")
    if last.macs == 0:
        raise ProfileError("no multiply-accumulates were counted in this network")
    inner = [cut for cut in cuts[1:-1] if cut.macs < last.macs and (cut.macs or cut.bits < first.bits)]
    chosen = inner
    if selection != "all":
        chosen = [cut for cut in inner if len(cut.crossing) == 1]
    if selection == "valleys":
        chosen += _valleys([first, *_smallest_by_macs(inner), last])
    seen = {first.crossing}
    kept = [first]
    for cut in _smallest_by_macs(chosen):
        if cut.crossing not in seen:
            seen.add(cut.crossing)
            kept.append(cut)
    return (*kept, last)


def _smallest_by_macs(cuts: list[GraphCut]) -> list[GraphCut]:
    """Keep, of cuts with equal MACs, the last that sends least, or the first of those that send the same."""
    smallest: dict[int, GraphCut] = {}
    for cut in sorted(cuts, key=lambda cut: cut.operations):
        rival = smallest.get(cut.macs)
        if rival is None or (cut.bits <= rival.bits and cut.crossing != rival.crossing):
            smallest[cut.macs] = cut
    return list(smallest.values())


def _valleys(cuts: list[GraphCut]) -> list[GraphCut]:
    """Inner cuts at local minima of the bits sent; a plateau counts as one place."""
    places = [list(group) for _, group in groupby(cuts, key=lambda cut: cut.bits)]
    return [
        cut
        for before, here, after in zip(places, places[1:], places[2:], strict=False)
        if here[0].bits < min(before[0].bits, after[0].bits)
        for cut in here
    ]


def _every_cut(graph: Graph, bits_per_element: int) -> list[GraphCut]:
    """The cut before all operations and those after each operation with new data, with their live sets."""
    source = _sources(graph)
    last_use: dict[str, int] = {}
    for i, operation in enumerate(graph.operations):
        if not operation.is_rearrangement:
            last_use.update((source[tensor], i) for tensor in operation.inputs if tensor in source)
    live = [tensor for tensor in graph.inputs if tensor in last_use]
    cuts = [_cut(graph, FIRST_CUT, 0, live, 0, bits_per_element)]
    macs = 0
    for i, operation in enumerate(graph.operations):
        macs += operation.macs
        live += [tensor for tensor in operation.outputs if source.get(tensor) == tensor]
        live = [tensor for tensor in live if last_use.get(tensor, -1) > i]
        makes_data = any(source.get(tensor) == tensor for tensor in operation.outputs)
        if makes_data:
            cuts.append(_cut(graph, operation.name, macs, live, i + 1, bits_per_element))
    return cuts


def _cut(
    graph: Graph, after: str, macs: int, live: list[str], operations: int, bits_per_element: int
) -> GraphCut:
    elements = [graph.elements[tensor] for tensor in live]
    features = Width(bits_per_element, "")
    bits = sum(
        count * graph.widths.get(tensor, features).bits for tensor, count in zip(live, elements, strict=True)
    )
    return GraphCut(after, macs, tuple(live), sum(elements), operations, bits)


def _sources(graph: Graph) -> dict[str, str]:
    """Map every tensor that depends on the input to the tensor whose data it holds."""
    source = {tensor: tensor for tensor in graph.inputs}
    for operation in graph.operations:
        read = [source[tensor] for tensor in operation.inputs if tensor in source]
        if operation.is_rearrangement and read:
            source.update((tensor, read[0]) for tensor in operation.outputs)
        elif read:
            source.update((tensor, tensor) for tensor in operation.outputs)
    return source


def _check_all_counted(graph: Graph, allow_uncounted: bool) -> None:
    """Refuse, or warn of, work that depends on the input and is in no total."""
    source = _sources(graph)
    missing = [
        f"{operation.name}: the work of {operation.uncounted} is not counted"
        for operation in graph.operations
        if operation.uncounted and any(tensor in source for tensor in operation.inputs)
    ]
    if missing and not allow_uncounted:
        more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
        rest = "allow_uncounted (--allow-uncounted) profiles the rest"
        raise ProfileError(f"the total would be too low: {missing[0]}{more}; {rest}")
    for message in missing:
        warnings.warn(message, ProfileWarning, stacklevel=4)


def _warn_of_wide_gap(graph: Graph, cuts: tuple[GraphCut, ...], bits_per_element: int) -> None:
    gap = max(after.macs - before.macs for before, after in pairwise(cuts)) / cuts[-1].macs
    more = len(legal_cuts(graph, "valleys", bits_per_element)) - len(cuts)
    if gap > _WIDE_GAP and more:
        message = (
            f"{gap:.0%} of the work lies between two cuts by single tensors; `valleys` has {more} cuts more"
        )
        warnings.warn(message, ProfileWarning, stacklevel=3)


def _with_input_bits(graph: Graph, input_bits: Mapping[str, int]) -> Graph:
    names = graph.input_names or graph.inputs
    for name, bits in input_bits.items():
        if name not in names:
            raise ProfileError(f"bits of {name}: the network has the inputs {', '.join(names)}")
        if isinstance(bits, bool) or not isinstance(bits, int) or not 1 <= bits <= _MOST_BITS:
            raise ProfileError(f"bits of {name}: expected a whole number from 1 to {_MOST_BITS}, got {bits}")
    given = {
        tensor: Width(input_bits[name], "given")
        for tensor, name in zip(graph.inputs, names, strict=True)
        if name in input_bits
    }
    return replace(graph, widths={**graph.widths, **given})


def _warn_of_input_bits(
    graph: Graph, first: GraphCut, bits_per_element: int, input_bits: Mapping[str, int]
) -> None:
    for tensor, name in zip(graph.inputs, graph.input_names or graph.inputs, strict=True):
        width = graph.widths.get(tensor)
        if width is None or name in input_bits or tensor not in first.crossing:
            continue
        if width.bits != bits_per_element:
            message = (
                f"an element of the input {name} counts {width.bits} bits ({width.why}); "
                f"input_bits (--input-bits {name}=BITS) gives others"
            )
            warnings.warn(message, ProfileWarning, stacklevel=4)


def make_profile(
    name: str,
    source: Source | str,
    graph: Graph,
    bits_per_element: int = 8,
    selection: Selection = "single",
    allow_uncounted: bool = False,
    input_bits: Mapping[str, int] | None = None,
) -> Profile:
    """List the legal cuts of a network as a profile.

    Parameters
    ----------
    name : str
        Name of the profile.
    source : Source or str
        Origin of the network.
    graph : Graph
        The network.
    bits_per_element : int
        Bits of one element of a tensor that is sent.
    selection : {"single", "valleys", "all"}
        Which legal cuts to list, see `legal_cuts`.
    allow_uncounted : bool
        Whether to warn of work that is not counted instead of refusing the network.
    input_bits : mapping of str to int, optional
        Bits of one element of inputs, by name.

    Raises
    ------
    ProfileError
        If the total would be too low, for bits of an input that is not there, or as for `legal_cuts`.

    Warns
    -----
    ProfileWarning
        If an input holds no features, for its bits, unless they are given.
        If cuts by single tensors leave a large gap, which cuts by several would divide.
    """
    _check_all_counted(graph, allow_uncounted)
    graph = _with_input_bits(graph, input_bits or {})
    cuts = legal_cuts(graph, selection, bits_per_element)
    _warn_of_input_bits(graph, cuts[0], bits_per_element, input_bits or {})
    if selection == "single":
        _warn_of_wide_gap(graph, cuts, bits_per_element)
    return Profile(
        name=name,
        source=source,
        input_bits=cuts[0].bits,
        total_macs=cuts[-1].macs,
        bits_per_element=bits_per_element,
        cuts=tuple(Cut(cut.after, cut.macs, cut.bits) for cut in cuts),
    )
