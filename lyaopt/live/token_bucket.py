"""A token bucket whose rate follows a trace: bits leave a device no faster than its radio carries them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError


class TokenBucket:
    """Says when bits may leave. Tokens come at the rate of the slot; behind the last slot is the first one.

    With C(t) the tokens that have come until t and x the last token that was taken, n bits that are asked for
    at time t take the tokens up to x' = max(x, C(t) - burst) + n, and may leave when C has reached x'.

    Parameters
    ----------
    rate_bps : sequence of float (T,)
        Tokens a second in each slot; at least one is > 0.
    slot_s : float
        Length of a slot.
    start_s : float
        Time at which slot 0 begins, of the clock of the times asked for.
    burst_bits : float
        Tokens that an idle bucket keeps; with 0 a radio that has been silent carries no more than before.

    Raises
    ------
    ProblemError
        If no rate is > 0, or a number is not finite or negative.
    """

    def __init__(
        self, rate_bps: Sequence[float] | Floats, slot_s: float, start_s: float = 0.0, burst_bits: float = 0.0
    ) -> None:
        rates = np.asarray(rate_bps, np.float64)
        if rates.ndim != 1 or not (rates >= 0.0).all() or not 0.0 < float(rates.sum()) < math.inf:
            raise ProblemError("$.rate_bps", "expected rates >= 0, finite, and one of them > 0")
        if not (0.0 < slot_s < math.inf and 0.0 <= burst_bits < math.inf):
            raise ProblemError("$.slot_s", f"expected a length > 0, got {slot_s} (burst {burst_bits})")
        self._slot_s, self._start_s, self._burst = slot_s, start_s, burst_bits
        self._rates = rates
        self._come = np.concatenate([[0.0], np.cumsum(rates * slot_s)])
        self._taken = 0.0

    def come(self, time_s: float) -> float:
        """Tokens that have come until `time_s`; 0 before the start."""
        slots = max(time_s - self._start_s, 0.0) / self._slot_s
        rounds, slots = divmod(slots, len(self._rates))
        slot = min(int(slots), len(self._rates) - 1)
        here = self._come[slot] + (slots - slot) * self._slot_s * self._rates[slot]
        return float(rounds * self._come[-1] + here)

    def time_of(self, tokens: float) -> float:
        """First time at which so many `tokens` have come."""
        if tokens <= 0.0:
            return self._start_s
        rounds, rest = divmod(tokens, float(self._come[-1]))
        if rest == 0.0:
            rounds, rest = rounds - 1.0, float(self._come[-1])
        slot = int(np.searchsorted(self._come, rest, side="left")) - 1
        within = (rest - self._come[slot]) / self._rates[slot]
        slots = rounds * len(self._rates) + slot
        return float(self._start_s + slots * self._slot_s + within)

    def take(self, bits: float, now_s: float) -> float:
        """Take tokens, and return the time at which the bits may leave.

        Parameters
        ----------
        bits : float
            Of them; later ones wait for these.
        now_s : float
            Time at which they are asked for.
        """
        self._taken = max(self._taken, self.come(now_s) - self._burst) + bits
        return max(now_s, self.time_of(self._taken))
