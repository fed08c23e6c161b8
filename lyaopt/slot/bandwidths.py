"""The bandwidth of each device: its own, or an equal share of what the others leave of the system's."""

from __future__ import annotations

from collections.abc import Sequence

from lyaopt.errors import ProblemError

_ROUNDING = 1e-9
"""Share of the system's bandwidth by which a sum of widths may differ from it: thirds add up to one."""


def device_bandwidths(total_hz: float, own_hz: Sequence[float | None]) -> list[float]:
    """Give each device its bandwidth.

    Parameters
    ----------
    total_hz : float
        B_w of the system, in hertz.
    own_hz : sequence of float or None
        b_w of each device (M,) that has one of its own, > 0.

    Returns
    -------
    list of float
        b_w of every device (M,). Their sum is at most B_w, up to rounding.

    Raises
    ------
    ProblemError
        Naming the first device whose own bandwidth, with those before it, is more than there is, or leaves
        none for devices that have none of their own.
    """
    sharing = own_hz.count(None)
    if sharing == len(own_hz):
        return [total_hz / max(sharing, 1)] * sharing
    rest = total_hz
    for m, own in enumerate(own_hz):
        if own is None:
            continue
        left = rest - own
        # The comparisons are false for NaN.
        if not (left > _ROUNDING * total_hz if sharing else left >= -_ROUNDING * total_hz):
            most = f"{'less than' if sharing else 'at most'} {max(rest, 0.0):g} of the {total_hz:g} Hz"
            why = " (devices without their own share the rest)" if sharing else ""
            raise ProblemError(f"$.devices[{m}].bandwidth_hz", f"expected {most}{why}, got {own:g}")
        rest = left
    return [rest / sharing if own is None else own for own in own_hz]
