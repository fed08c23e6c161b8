"""Policies of experiments that weigh waiting: by a waiting cost, or so that the mean latency has a value."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic.dataclasses import dataclass

from lyaopt.errors import ProblemError
from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Expected, Positive

BOUND = "bound"
"""Pseudo-policy that evaluates a lower bound: LB1, or with a target latency the least energy at it."""

_Policy = Annotated[Literal["price", "value", "bound"], Expected('"price", "value" or "bound"')]


@checked
@dataclass(frozen=True, config=STRICT)
class Waiting:
    """A policy by prices, or the bound, with what is said of waiting."""

    policy: _Policy
    """As in `make_policy`, or ``bound``."""
    waiting_cost_j_per_s: Positive | None = None
    """theta, in J per second of a task's latency."""
    target_latency_s: Positive | None = None
    """In place of it: mean latency, for which every point searches a waiting cost of its own."""

    def __post_init__(self) -> None:
        if (self.waiting_cost_j_per_s is None) == (self.target_latency_s is None):
            raise ProblemError("$", "expected either waiting_cost_j_per_s or target_latency_s")
        if self.policy == BOUND and self.target_latency_s is None:
            raise ProblemError("$.target_latency_s", "expected the latency at which the bound is evaluated")

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    def options(self) -> dict[str, float]:
        """Return the options of `make_policy`."""
        named = {
            "waiting_cost_j_per_s": self.waiting_cost_j_per_s,
            "target_latency_s": self.target_latency_s,
        }
        return {name: value for name, value in named.items() if value is not None}

    def out_of_reach(self, error: ProblemError) -> bool:
        """Tell whether an `error` says that no waiting cost gives the target latency."""
        return self.target_latency_s is not None and error.path == "$.target_latency_s"
