"""The three slot problems as the solvers take them, and the allocations that they write.

Shapes: N items (services) a lane, L lanes. In Problems 3 and 4 a lane is one device in one slot, and lane l
belongs to device l // (L // M) of M; in Problem 5 a lane is one slot, and its items are the services of all
devices. All arrays are contiguous float64, all scalars are floats. Arrays must not overlap.
"""

from typing import Any, NamedTuple

# Entries of the `scalars` of a system, an array (6,)
TAU, DELTA, WEIGHT_LOCAL, WEIGHT_TRANSMIT, EDGE_CAPACITY, NOISE = range(6)
SCALARS = 6


class LocalProblem(NamedTuple):
    """Problem 3, local CPU: minimise -tau sum f_n Q_n + U tau delta (sum f_n)^3.

    Subject to sum f_n <= F and 0 <= f_n <= Q_n / tau.

    Attributes
    ----------
    queue : (N, L) array
        Backlogs Q^l, in cycles.
    capacity : (M,) array
        F^l of every device, in Hz.
    tau : float
        Slot length, in s.
    weight : float
        U^l, weight of energy against backlog.
    delta : float
        Coefficient of the CPU energy tau delta f^3, in W s^3.
    """

    queue: Any
    capacity: Any
    tau: Any
    weight: Any
    delta: Any


class LocalAllocation(NamedTuple):
    """Solution of `LocalProblem`.

    Attributes
    ----------
    cpu : (N, L) array
        Speeds f^l, in Hz.
    total : (L,) array
        Sum of the speeds of a lane, in Hz.
    multiplier : (L,) array
        nu of the capacity, in cycles.
    """

    cpu: Any
    total: Any
    multiplier: Any


class TransmitProblem(NamedTuple):
    """Problem 4, transmission: minimise -tau sum r_n Q_n + U tau p.

    Subject to 0 <= p <= pmax, sum r_n <= b_w log2(1 + p h / (b_w N_0)) and 0 <= r_n <= Q_n / tau.

    Attributes
    ----------
    queue : (N, L) array
        Backlogs Q^t, in bits.
    gain : (L,) array
        Channel gains h.
    bandwidth : (M,) array
        b_w of every device, in Hz; positive.
    max_power : (M,) array
        p^max of every device, in W.
    tau : float
        Slot length, in s.
    weight : float
        U^t, weight of energy against backlog.
    noise : float
        N_0, in W/Hz; positive.
    """

    queue: Any
    gain: Any
    bandwidth: Any
    max_power: Any
    tau: Any
    weight: Any
    noise: Any


class TransmitAllocation(NamedTuple):
    """Solution of `TransmitProblem`.

    Attributes
    ----------
    rate : (N, L) array
        Rates r, in bit/s.
    power : (L,) array
        Transmit powers p, in W.
    multiplier : (L,) array
        nu of the rate constraint, in bits.
    """

    rate: Any
    power: Any
    multiplier: Any


class EdgeProblem(NamedTuple):
    """Problem 5, edge CPU: maximise tau sum f_n Q_n over all services of all devices.

    Subject to sum f_n <= F and 0 <= f_n <= Q_n / tau.

    Attributes
    ----------
    queue : (N, L) array
        Backlogs Q^e, in cycles.
    capacity : float
        F^e, in Hz.
    tau : float
        Slot length, in s.
    """

    queue: Any
    capacity: Any
    tau: Any


class EdgeAllocation(NamedTuple):
    """Solution of `EdgeProblem`.

    Attributes
    ----------
    cpu : (N, L) array
        Speeds f^e, in Hz.
    multiplier : (L,) array
        nu of the capacity, in cycles; 0 where all is served.
    """

    cpu: Any
    multiplier: Any


# Types of the fields, as in signatures; general_problems.py adds its own
TYPES = {
    LocalProblem: "f8[:,::1], f8[::1], f8, f8, f8",
    LocalAllocation: "f8[:,::1], f8[::1], f8[::1]",
    TransmitProblem: "f8[:,::1], f8[::1], f8[::1], f8[::1], f8, f8, f8",
    TransmitAllocation: "f8[:,::1], f8[::1], f8[::1]",
    EdgeProblem: "f8[:,::1], f8, f8",
    EdgeAllocation: "f8[:,::1], f8[::1]",
}


def solver_signature(problem: type, allocation: type, *others: str) -> Any:
    """Return the signature of a kernel of a problem, an allocation, and arrays of the types `others`."""
    from numba.core import types
    from numba.core.sigutils import normalize_signature

    def parsed(members: str) -> Any:
        return normalize_signature(f"void({members})")[0]

    groups = [types.BaseTuple.from_types(parsed(TYPES[group]), group) for group in (problem, allocation)]
    return types.void(*groups, *parsed(", ".join(others)))
