"""The price rules under which learners train, and under which what they learnt is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import scenario_to_dict
from lyaopt.model.system import System
from lyaopt.policies.paired_trials import SearchOptions
from lyaopt.policies.price_policy import price_rule
from lyaopt.simulation.price_rule import PriceRule
from lyaopt.simulation.traces import Trace


def rule_of(config: Any, system: System, traces: Sequence[Trace] = ()) -> PriceRule | None:
    """Build the rule under which a learner trains: the one of the policy `price` with default options.

    Parameters
    ----------
    config : TrainingConfig
        Its allocation and waiting cost.
    system : System
        To be served.
    traces : sequence of Trace, optional
        On which the rule is built.

    Returns
    -------
    PriceRule or None
        None where backlogs weigh services. Equal calls build equal rules on one machine.

    Raises
    ------
    ProblemError, MissingExtraError
        As `lyaopt.policies.price_rule`.
    """
    allocation = getattr(config, "allocation", "backlog")
    return rule_named(allocation, system, getattr(config, "waiting_cost_j_per_s", None), traces)


def rule_named(
    allocation: str,
    system: System,
    waiting_cost_j_per_s: float | None = None,
    traces: Sequence[Trace] = (),
) -> PriceRule | None:
    """Build the rule of an allocation by its name.

    Parameters
    ----------
    allocation : str
        ``backlog`` or ``price``.
    system : System
        To be served.
    waiting_cost_j_per_s : float, optional
        theta of ``price``, in J/s; by default that of the scenario, or else cost (34) counts.
    traces : sequence of Trace, optional
        On which the rule is built.

    Returns
    -------
    PriceRule or None
        None for ``backlog``.

    Raises
    ------
    ProblemError
        If there is no such allocation, or as `lyaopt.policies.price_rule`.
    MissingExtraError
        Without SciPy (extra `bound`).
    """
    if allocation not in ("backlog", "price"):
        raise ProblemError("$.allocation", f'expected "backlog" or "price", got {allocation!r}')
    if allocation == "backlog":
        return None
    return price_rule(system, waiting_cost_j_per_s, options=SearchOptions(traces=traces))


def without_cuts(rule: PriceRule) -> PriceRule:
    """Return a rule that allocates, and leaves the partition points to a policy.

    Parameters
    ----------
    rule : PriceRule
        May choose cuts.
    """
    return replace(rule, cuts=None)


def waiting_costs_of(rule: PriceRule) -> Floats | None:
    """Return theta of each service (S,) in J/s; None where a rule minimises cost (34).

    Parameters
    ----------
    rule : PriceRule
        Of either form.
    """
    return None if rule.by_work else rule.holding[0]


@dataclass(frozen=True, eq=False)
class PricedScenario:
    """A rule by prices, and the system that it was built for.

    Attributes
    ----------
    rule : PriceRule
        With a choice of cuts.
    system : System
    """

    rule: PriceRule
    system: System

    def check(self, system: System) -> None:
        """Check that a system is that of the rule.

        Parameters
        ----------
        system : System
            To be served.

        Raises
        ------
        ProblemError
            If it is another one, whose prices would be others.
        """
        if system is not self.system and scenario_to_dict(system) != scenario_to_dict(self.system):
            raise ProblemError("$.policy", "trained under the prices of another scenario")
