"""The best network of a training, selected by trials on common random numbers.

Returns in training include exploration, and long horizons make training unsteady. The network is therefore
evaluated greedily at intervals, and the best one stored. A later network replaces it if its paired gain in
cost exceeds the standard error (under prices twice that), or if it keeps the backlog stable and the stored
one does not.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from lyaopt.learning.algorithm_protocol import BEST, below
from lyaopt.learning.networks import ActorCritic
from lyaopt.learning.price_rules import PricedScenario
from lyaopt.learning.trained_policy import LearnedPolicy
from lyaopt.model.system import System
from lyaopt.policies.paired_trials import Outcome, Trials, search_seed, standard_error
from lyaopt.simulation.price_rule import PriceRule
from lyaopt.simulation.traces import Trace

_PURPOSE = 0x6B6565706572
"""Purpose of the seed of the trials."""
_SLOTS, _REPLICATIONS = 10_000, 40
_MARGIN_OVER_PRICES = 2.0
"""Standard errors by which a network must be better than one that began as the rule, and is good already."""


class BestCheckpoint:
    """Stores the best network so far.

    Parameters
    ----------
    systems : sequence of System
        Systems of the trials, with equal weights.
    features : collection of str
        Optional features of the network's observations.
    seed : int
    rule : PriceRule, optional
        By which resources are allocated; its cost is that of the trials.
    trace : Trace, optional
        Arrivals and channels of the trials, which start at evenly spaced slots of it and go around.

    Attributes
    ----------
    used : int
        Slots simulated so far.
    """

    def __init__(
        self,
        systems: Sequence[System],
        features: Collection[str],
        seed: int,
        rule: PriceRule | None = None,
        trace: Trace | None = None,
    ) -> None:
        self._systems, self._features, self._rule = systems, features, rule
        self._seed = search_seed(seed, _PURPOSE)
        self._replications = max(1, _REPLICATIONS // len(systems))
        self._traces = () if trace is None else (trace.spread_over(self._replications),)
        self.used = 0
        self._weights: dict[str, Tensor] = {}
        self._costs = torch.empty(0, dtype=torch.float64)
        self._stable = torch.tensor(False)

    def check(self, network: ActorCritic) -> dict[str, float]:
        """Evaluate a network, and store it if it is the best so far.

        Parameters
        ----------
        network : ActorCritic
            Its most probable actions are evaluated.

        Returns
        -------
        dict
            ``check_cost``, its mean cost of a slot, and ``is_best``, 1 if it was stored, else 0.
        """
        costs, stable = self._evaluate(network)
        is_best = not self._weights or self._better(costs, stable)
        if is_best:
            self._costs, self._stable = costs, stable
            self._weights = {key: value.clone() for key, value in network.state_dict().items()}
        return {"check_cost": float(costs.mean()), "is_best": float(is_best)}

    def _evaluate(self, network: ActorCritic) -> tuple[Tensor, Tensor]:
        """Costs (systems, replications), and whether all backlogs are stable."""
        training = network.training
        costs, stable = [], True
        for system in self._systems:
            priced = None if self._rule is None else PricedScenario(self._rule, system)
            total = self._trial(system, LearnedPolicy(network, "", self._features, priced)).total()
            costs.append(torch.from_numpy(total.costs[0, 0]))
            stable &= bool(total.stable(0)[0])
        network.bind(self._systems[0])
        network.train(training)
        return torch.stack(costs), torch.tensor(stable)

    def _trial(self, system: System, policy: LearnedPolicy) -> Outcome:
        slots = self._replications * _SLOTS
        cost = policy.waiting_cost_j_per_s
        numbers = _SLOTS, self._replications, slots
        trials = Trials(system, self._seed, *numbers, self._traces, waiting_cost_j_per_s=cost)
        outcome = trials.run_policy(lambda _: policy, 1)
        assert outcome is not None, "the budget is that of one trial"
        self.used += slots
        return outcome

    def _better(self, costs: Tensor, stable: Tensor) -> bool:
        if stable != self._stable:
            return bool(stable)
        gain = ((self._costs - costs) / self._costs.mean(-1, keepdim=True)).flatten().numpy()
        margin = 1.0 if self._rule is None else _MARGIN_OVER_PRICES
        return bool(gain.mean() > margin * standard_error(gain))

    def state(self) -> dict[str, Tensor]:
        """Return the stored network and its costs as named tensors."""
        named = {f"{BEST}network.{key}": value for key, value in self._weights.items()}
        used = torch.tensor(self.used)
        return named | {f"{BEST}costs": self._costs, f"{BEST}stable": self._stable, f"{BEST}used": used}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Continue from `state`, as the method of that name returned it."""
        mine = below(BEST, state)
        self._costs, self._stable, self.used = mine["costs"], mine["stable"], int(mine["used"])
        self._weights = below("network.", mine)
