"""The token bucket against exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lyaopt.errors import ProblemError
from lyaopt.live.token_bucket import TokenBucket

SLOT = Fraction(1, 64)
START = Fraction(5, 2)
rates = st.lists(st.integers(0, 1000), min_size=1, max_size=6).filter(any)
requests = st.lists(st.tuples(st.integers(1, 200), st.integers(0, 60)), min_size=1, max_size=12)


class Exact:
    """The same bucket by stepping through the slots with fractions, and no formula for what has come."""

    def __init__(self, rates: list[int], burst: int) -> None:
        self.rates, self.burst = rates, Fraction(burst)
        self.time, self.tokens, self.slot = START, Fraction(0), 0

    def _step(self, until: Fraction) -> None:
        """Go on to a time within or at the end of the present slot."""
        self.tokens += self.rates[self.slot % len(self.rates)] * (until - self.time)
        self.time = until
        if until == START + (self.slot + 1) * SLOT:
            self.slot += 1

    def advance(self, until: Fraction) -> None:
        """Let tokens come that nobody waits for: no more than the burst are kept."""
        while self.time < until:
            self._step(min(until, START + (self.slot + 1) * SLOT))
            self.tokens = min(self.tokens, self.burst)

    def take(self, bits: int, now: Fraction) -> Fraction:
        self.advance(now)
        self.tokens -= bits
        while self.tokens < 0:
            rate = self.rates[self.slot % len(self.rates)]
            end = START + (self.slot + 1) * SLOT
            enough = self.time - self.tokens / rate if rate else end
            self._step(min(end, enough))
        return max(self.time, now)


@given(rates, st.integers(0, 20), requests)
def test_bits_leave_when_exact_arithmetic_says(rates, burst, requests):
    bucket, exact = TokenBucket(rates, float(SLOT), float(START), burst), Exact(rates, burst)
    now = START
    for bits, pause in requests:
        now = max(now, exact.time) + pause * SLOT / 7
        assert bucket.take(bits, float(now)) == pytest.approx(float(exact.take(bits, now)), rel=1e-9)


@given(rates, st.floats(0, 2000))
def test_time_of_tokens_is_the_first_at_which_they_have_come(rates, tokens):
    bucket = TokenBucket(rates, float(SLOT), float(START))
    time = bucket.time_of(tokens)
    assert bucket.come(time) == pytest.approx(tokens, rel=1e-9, abs=1e-9)
    assume(tokens > 1e-3)
    assert bucket.come(time - 1e-6) < tokens


@given(rates, st.lists(st.integers(1, 50), min_size=1, max_size=20))
def test_a_frame_in_pieces_leaves_when_it_would_as_a_whole(rates, pieces):
    """Asked for at the time at which it was ready, as a device does: waking up late loses nothing."""
    whole, parts = (TokenBucket(rates, float(SLOT), float(START)) for _ in range(2))
    leaves = [parts.take(bits, float(START)) for bits in pieces]
    assert leaves == sorted(leaves)
    assert leaves[-1] == pytest.approx(whole.take(sum(pieces), float(START)), rel=1e-9)


def test_nothing_is_carried_where_the_rate_is_zero():
    bucket = TokenBucket([100.0, 0.0, 0.0], 1.0)
    assert bucket.take(150.0, 0.0) == pytest.approx(3.5)
    assert bucket.take(50.0, 0.0) == pytest.approx(4.0)
    assert bucket.take(1.0, 4.5) == pytest.approx(6.01)


@pytest.mark.parametrize("rates", [[], [0.0], [-1.0, 2.0], [float("inf")], [float("nan")]])
def test_rates_that_carry_nothing_are_refused(rates):
    with pytest.raises(ProblemError, match="rate_bps"):
        TokenBucket(rates, 1.0)
