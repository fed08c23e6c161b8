"""The rule by prices as a function for users' jitted code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lyaopt._kernels.simulation.price_function import PricedQueues, price_weights
from lyaopt._kernels.toolchain.jit import CORE
from lyaopt.model.system import System
from lyaopt.simulation.layout import Layout
from lyaopt.simulation.price_rule import PriceRule


def jitted_weights(rule: PriceRule, system: System) -> Callable[..., Any]:
    """Bind the tables of a rule to a function that jitted code can call.

    Parameters
    ----------
    rule : PriceRule
        As `lyaopt.policies.price_rule` makes it.
    system : System
        Tells which device runs a service.

    Returns
    -------
    function
        ``weigh(backlog, waiting, head_left, channel, weights)`` writes weights (3, N, L), those of
        `PriceRule.weights` bit for bit: in J per cycle, J per bit and, at the edge, the fall of holding cost
        by work, for slot problems whose weights of energy are 1. It reads backlog and head_left (3, N, L),
        waiting (3, N, L) of int, and channel (L,) of int, which is 0 where `rule.states` is 1. Arrays are
        contiguous; lane l belongs to device l // (L // M). The tables become part of the compiled function.
    """
    prices = rule.price_arrays(Layout.of(system, 1))
    weigh = price_weights.compiled

    def weights_by_prices(backlog: Any, waiting: Any, head_left: Any, channel: Any, weights: Any) -> None:
        weigh(PricedQueues(backlog, head_left, waiting), channel, prices, weights)

    if CORE == "python":
        return weights_by_prices
    import numba

    function: Callable[..., Any] = numba.njit(nogil=True)(weights_by_prices)
    return function
