"""Shapes of the arguments of every kernel, and values by which kernels index, in words.

A word is nothing for a scalar that is not looked at, ``#w`` for a whole number that is known as w, and for an
array a letter for each axis: a letter is a size, the same wherever it occurs among the arguments of a call, a
digit is that size itself, O is 13. ``*`` is one number for each of some equal groups of lanes, so its size
divides L.

- ``?`` in front of a shape allows an array without entries instead; ``!``, ``&`` and ``%`` allow it for all
  arrays of a call that are so marked, together.
- Behind a colon stands what the array holds: ``M:C`` whole numbers from 0 up to but not including C, ``M:-C``
  from -1 on, ``M:!`` 0 where the arrays marked so have no entries, else 0 or 1, ``M:`` finite numbers >= 0; a
  name stands for a rule of argument_values.py.

The letters mean the same everywhere, and argument_shapes.py holds how some depend on others:

- L lanes, M devices, N rows of services, S services, B slots of a batch, b blocks of w replications, R
  replications, k partition points, C tables of K segments;
- s, e, g the first slot of a span, that behind the last, and slots of a period; P periods of a plan, T slots
  of a trace, r of a record, t and l rows of the tables of tasks; d method, u rule, m tables of memory;
- q tables of prices with c nodes, x states of a channel, y of those in the choice of cuts, which is made
  every i slots among j points;
- E edge servers, A devices and H lanes without their links, a the first of f periods of their plan;
- X states and I nodes of a bound, J states of its machine, Z and h a chain; D decisions; F features;
- U the number of a part of the lanes, V how many parts there are;
- n rows of a minibatch or entries of a list, v inputs and z outputs of a layer, p parts of an action.
"""

from __future__ import annotations

from typing import Any

Shape = Any
"""A word, or a sequence of them for a tuple."""

_DEVICE = ("NL", "L", "L")  # LocalAllocation and TransmitAllocation
_EDGE = ("NL", "L")  # EdgeAllocation
_LOCAL_PROBLEM = ("NL", "M", "", "", "")
_TRANSMIT_PROBLEM = ("NL", "L", "M", "M", "", "", "")
_EDGE_PROBLEM = ("NL", "", "")
_GENERAL_LOCAL = ("NL", "NL", "*", "*", "*", "*", "M:-C", "CK", "CK")
_GENERAL_TRANSMIT = ("NL", "NL", "L", "*", "*", "*", "*", "", "M:!", "!L", "!L")
# Measured radios take no part, so that rates and powers of theirs are not read.
_SHARED_TRANSMIT = (*_GENERAL_TRANSMIT[:8], "M", "?L", "?L")
_GENERAL_EDGE = ("NL", "NL", "*", "*")
_SPECTRUM = ("NL", "L", "L", "L", "B")
_UPSTREAM = ("?NL", "?L", "*")  # derivatives by what was solved, and by the value
_WORST = "2B"
_PART = ("#U", "#V")
_SLOT = ("3NM", "4M", "6", "3NM", "8M", "6")

# Of simulation: the tuples of state_types.py
_SPAN = ("#s", "#e", "#g")
_LAWS = ("M:-C", "CK", "CK", "M:!", "!M", "!M", "?M", "?M", "?M", "", "")
_SIZES = ("", "bL", "?NM:sizes", "?NM")
_MODEL = ("#d", "6", "3M", "3NMk", "&b2L", "&b3NL", "%b3NL", "#u", "2", _LAWS, _SIZES)
_KEYS = ("", "L", "L")
_ARRIVALS = ("?NM:kinds", "?NM5:", "n:")
_STREAMS = ("", "O", "bL", "L", "L", "L", "NL:", _ARRIVALS)
_TRACE = ("TM", "TNM:arrivals", "bw:")
_SUMS = ("b26NL", "b28L")
_STATE = ("b43NL", "b33NL", "b2NL", "bNL:k", _SUMS, "bL", "b4L", "bNL", "b3NL", "b4L", "bm3NL")
_TASKS = ("t4", "4:pool", "l5")
_RECORD = ("br7NL", "br4L")
_PLACEMENT = ("S:N", "S:M", "#w")

# Of prices
_PRICES = ("", "", "3NM", "2M", "2NM:tables", "qc", "qc", "q", "#x")
_CUTS = ("#i", "yNM:k", "NMj:-k", "NM", "NM")
_SLOW = ("M", "", "", "", "#x")
_WEIGHTED = ("#d", "6", "3M", "3NMk", "&b2L", "&b3NL", "b3NL", "#u", "2", _LAWS, _SIZES)
_PRICED = (*_WEIGHTED, _PRICES, _CUTS, _SLOW, "bL:x")
_QUEUES = ("3NL", "3NL", "3NL")

# Of several edge servers
_EDGES = ("#g", "#a", "E6", "fbH:E", "bH:E")
_CHOICE = ("", "", "EA", "NA")
_OF_EDGES = ("#d", "6", "3M", "3NMk", "b3NL", _LAWS, _SIZES, _EDGES, _PRICES, _CUTS, _CHOICE)

# Of learning, and of bounds
_REWARD = ("", "", "", "", "", "S3")
_BOUND = (("", "J", "J", "J"), ("XJ", "XJ", "XJ"), ("Z:rows", "h:X", "h"), ("I", "X"))


def _solvers(name: str, problem: Shape, allocation: Shape) -> dict[str, Shape]:
    """Shapes of the solvers of a problem, and of its certificate, which also takes a report."""
    solvers = {f"{name}_{kind}": (problem, allocation, _PART) for kind in ("exact", "many", "bisection")}
    return solvers | {f"{name}_certificate": (problem, allocation, "3L", _PART)}


def _advance(model: Shape) -> Shape:
    return (_SPAN, model, _STREAMS, _TRACE, "PbNL:k", _STATE, _TASKS, _RECORD)


SHAPES: dict[str, Shape] = {
    **_solvers("local", _LOCAL_PROBLEM, _DEVICE),
    **_solvers("transmit", _TRANSMIT_PROBLEM, _DEVICE),
    **_solvers("edge", _EDGE_PROBLEM, _EDGE),
    **_solvers("general_local", _GENERAL_LOCAL, _DEVICE),
    **_solvers("general_transmit", _GENERAL_TRANSMIT, _DEVICE),
    **_solvers("general_edge", _GENERAL_EDGE, _EDGE),
    "local_gaps": (_LOCAL_PROBLEM, _DEVICE, _WORST, _PART),
    "transmit_gaps": (_TRANSMIT_PROBLEM, _DEVICE, _WORST, _PART),
    "edge_gaps": (_EDGE_PROBLEM, _EDGE, "2L", _PART),
    "local_gradient": (_GENERAL_LOCAL, _DEVICE, _UPSTREAM, ("NL", "NL", *("?L",) * 4)),
    "transmit_gradient": (_GENERAL_TRANSMIT, _DEVICE, _UPSTREAM, ("NL", "NL", *("?L",) * 8)),
    "edge_gradient": (_GENERAL_EDGE, _EDGE, _UPSTREAM, ("NL", "NL", "?L", "?L")),
    "spectrum_exact": (_SHARED_TRANSMIT, _SPECTRUM, _PART),
    "spectrum_certificate": (_SHARED_TRANSMIT, _SPECTRUM, "3L", _PART),
    "spectrum_gradient": (_SHARED_TRANSMIT, _SPECTRUM, "NL", "L", "L"),
    "local_prices": (_LOCAL_PROBLEM, _DEVICE, "L"),
    "general_local_energies": (_GENERAL_LOCAL, _DEVICE, "2L"),
    "slot_exact": ("n", "", "", ""),  # it returns -1 for a block of another size
    "slot_next": ("n", "n", "MN", "MN", "MN", "M", "#N", "#M"),  # as slot_exact
    "slot_weighted": ("3NM", *_SLOT),
    "advance": _advance(_MODEL),
    "advance_by_weights": _advance(_MODEL),
    "advance_by_prices": _advance(_PRICED),
    "advance_over_edges": _advance(_OF_EDGES),
    "gains_of_slots": (_KEYS, "", "L", "L", "O", "4L", "TL"),
    "arrivals_of_slots": (_KEYS, "", "NL:", "O", _ARRIVALS, "NL", "TNL"),
    "sizes_of_tasks": (_KEYS, "", "NM:sizes", "NM", "TNL:", "n"),
    "inject_tasks": ("", "bNL:", "bNL:k", "3NMk", _STATE, _TASKS),
    "spread_shares": ("R2M", "R3S", _PLACEMENT, "b2L", "b3NL"),
    "price_weights": (_QUEUES, "L:x", _PRICES, "3NL"),
    "price_cuts": (_QUEUES, "L:x", ("3NMk", "6", _PRICES, _CUTS), "NL"),
    "read_curve": ("n:", ("", "c", "c", ""), "2n"),
    "observe": ("", _PLACEMENT, "3NMk", "S6", "M3", _STATE, "RF"),
    "compute_rewards": (_REWARD, _PLACEMENT, _SUMS, "R", "R2", "R"),
    "spread_points": ("RS", "", "S", _PLACEMENT, "bNL"),
    "assign_credit": (_REWARD, _PLACEMENT, _STATE, "", ("RS", "RM"), ("RM", "RS", "RM", "R2")),
    "find_backlog": ("#w", _SUMS, "RM"),
    "write_added_costs": (_PRICED, _PLACEMENT, _STATE, "xSk", "RSk"),
    "advantages": ("DR", "DR", "DR", "DR", "R", "", "DR"),
    "dense": ("nv", "zv", "z", "", "nz"),
    "dense_gradient": ("nv", "zv", "", "nz", "nz", ("?nv", "zv", "z")),
    "draw_cuts": ("nSk", "nS", "nS", "nS"),
    "judge_cuts": ("nSk", "nS:k", "nS", "nSk", "nS", "nS"),
    "judge_cuts_gradient": ("nS:k", "nS", "nSk", "nS", "2nS", "nSk"),
    "clipped_objective": (("", "", "", ""), ("np",) * 5, "5", "2np"),
    "adam": (("", "", "", "", "", ""), "n", "n", "n", "n"),
    "task_values": (*_BOUND, "XI", "", "XI"),
    "task_residuals": (*_BOUND, "", "XI", "2XI"),
    "task_visits": (*_BOUND, "XI", "XI", "XJ", "X"),
}
"""Of each kernel, by its name."""
