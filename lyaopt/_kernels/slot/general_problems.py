"""The three slot problems with weights apart from limits, and parameters that may differ from slot to slot.

They are those of problems.py, which holds the allocations, too, where

- the weight w_n of an item and the work Q_n that it can be served are two numbers: minimise
  -tau sum f_n w_n + U tau P(sum f_n), subject to 0 <= f_n <= Q_n / tau and the capacity;
- parameters are arrays of 1, M or L entries, of which lane l reads the one that `of_lane` returns;
- the power P of a CPU may be the lower convex hull of a table of operating points, and a radio may be given
  by the rate and the power that were measured in each slot, in place of Shannon's formula.

An item of weight 0 is served only where that costs nothing.
"""

from typing import Any, NamedTuple

from lyaopt._kernels.slot.problems import TYPES
from lyaopt._kernels.toolchain.jit import inline


class GeneralLocalProblem(NamedTuple):
    """Problem 3, local CPU: minimise -tau sum f_n w_n + U tau P(sum f_n).

    Subject to sum f_n <= F and 0 <= f_n <= Q_n / tau; P(s) = delta s^3, or the hull of a table.

    Attributes
    ----------
    weights : (N, L) array
        w, in units of the objective a cycle.
    limits : (N, L) array
        Work Q^l that can be done, in cycles.
    capacity, tau, energy_weight, delta : (1,), (M,) or (L,) arrays
        F^l in Hz, slot length in s, U^l, and the coefficient of the cubic law in W s^3.
    curve : (M,) array of int
        Row of each device in the tables of hulls; -1 where its law is cubic.
    curve_hz, curve_slope : (C, K) arrays
        Ends of the segments of each hull in Hz, increasing, and their slopes in W/Hz, non-decreasing. Rows of
        fewer segments repeat the last end with an infinite slope.
    """

    weights: Any
    limits: Any
    capacity: Any
    tau: Any
    energy_weight: Any
    delta: Any
    curve: Any
    curve_hz: Any
    curve_slope: Any


class GeneralTransmitProblem(NamedTuple):
    """Problem 4, transmission: minimise -tau sum r_n w_n + U tau p.

    Subject to 0 <= p <= pmax, sum r_n <= b_w log2(1 + p h / (b_w N_0)) and 0 <= r_n <= Q_n / tau; for a
    measured radio sum r_n <= R and p = P sum r_n / R.

    Attributes
    ----------
    weights : (N, L) array
        w, in units of the objective a bit.
    limits : (N, L) array
        Work Q^t that can be sent, in bits.
    gain : (L,) array
        Channel gains h.
    bandwidth, max_power, tau, energy_weight : (1,), (M,) or (L,) arrays
        b_w in Hz, p^max in W, slot length in s, and U^t.
    noise : float
        N_0, in W/Hz; positive.
    measured : (M,) array of int
        1 where the radio of a device is measured, else 0.
    radio_rate, radio_power : (L,) arrays
        R in bit/s and P in W of measured radios; empty where there is none.
    """

    weights: Any
    limits: Any
    gain: Any
    bandwidth: Any
    max_power: Any
    tau: Any
    energy_weight: Any
    noise: Any
    measured: Any
    radio_rate: Any
    radio_power: Any


class SpectrumAllocation(NamedTuple):
    """Solution of `GeneralTransmitProblem` where devices share their bandwidths.

    Attributes
    ----------
    rate : (N, L) array
        Rates r, in bit/s.
    power : (L,) array
        Transmit powers p, in W.
    bandwidth : (L,) array
        Bands b, in Hz; 0 where the radio is measured.
    multiplier : (L,) array
        nu of the rate constraint, in units of the objective a bit.
    price : (B,) array
        mu of the bandwidth, in units of the objective a Hz and second: -dV / dB_w = tau mu.
    """

    rate: Any
    power: Any
    bandwidth: Any
    multiplier: Any
    price: Any


class GeneralEdgeProblem(NamedTuple):
    """Problem 5, edge CPU: maximise tau sum f_n w_n over all services of all devices.

    Subject to sum f_n <= F and 0 <= f_n <= Q_n / tau.

    Attributes
    ----------
    weights : (N, L) array
        w, in units of the objective a cycle.
    limits : (N, L) array
        Work Q^e that can be done, in cycles.
    capacity, tau : (1,) or (L,) arrays
        F^e in Hz and slot length in s.
    """

    weights: Any
    limits: Any
    capacity: Any
    tau: Any


_F1, _F2 = "f8[::1]", "f8[:,::1]"
TYPES |= {
    GeneralLocalProblem: ", ".join([_F2] * 2 + [_F1] * 4 + ["i8[::1]"] + [_F2] * 2),
    GeneralTransmitProblem: ", ".join([_F2] * 2 + [_F1] * 5 + ["f8", "i8[::1]"] + [_F1] * 2),
    SpectrumAllocation: ", ".join([_F2] + [_F1] * 4),
    GeneralEdgeProblem: ", ".join([_F2] * 2 + [_F1] * 2),
}


@inline
def of_lane(values, lane, lane_count):
    """Return the value of a lane from an array of 1, M or L."""
    return values[lane * values.size // lane_count]
