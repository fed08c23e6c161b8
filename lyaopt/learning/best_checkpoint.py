"""The best network of a training, by trials that all meet the same channels and tasks.

What a policy earns while it learns is not what it earns when it stops trying, and long horizons make learning
unsteady. So the network is tried now and then as it would be used, and the best so far is kept. Another one
takes its place if its paired gain in cost exceeds the standard error, or if it keeps a backlog from growing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor

from lyaopt.learning.algorithm_protocol import KEPT, below
from lyaopt.learning.networks import ActorCritic
from lyaopt.learning.trained_policy import LearnedPolicy
from lyaopt.model.system import System
from lyaopt.policies.paired_trials import Outcome, Trials, search_seed, standard_error

_CHECK = 0x6B6565706572
"""Purpose of a seed: "keeper"."""
_SLOTS, _REPLICATIONS = 10_000, 40


class Keeper:
    """The best network so far.

    Parameters
    ----------
    systems : sequence of System
        Those in which it is tried; each counts as much as any other.
    features : collection of str
        Optional features that the network sees.
    seed : int

    Attributes
    ----------
    used : int
        Slots simulated so far.
    """

    def __init__(self, systems: Sequence[System], features: Collection[str], seed: int) -> None:
        self._systems, self._features = systems, features
        self._seed = search_seed(seed, _CHECK)
        self._replications = max(1, _REPLICATIONS // len(systems))
        self.used = 0
        self._weights: dict[str, Tensor] = {}
        self._costs = torch.empty(0, dtype=torch.float64)
        self._stable = torch.tensor(False)

    def consider(self, network: ActorCritic) -> dict[str, float]:
        """Try a network, and keep it if it is the best so far.

        Returns
        -------
        dict
            Its mean cost of a slot (34), ``tried_cost``, and whether it was ``kept``, 1 or 0.
        """
        costs, stable = self._tried(network)
        kept = not self._weights or self._better(costs, stable)
        if kept:
            self._costs, self._stable = costs, stable
            self._weights = {key: value.clone() for key, value in network.state_dict().items()}
        return {"tried_cost": float(costs.mean()), "kept": float(kept)}

    def _tried(self, network: ActorCritic) -> tuple[Tensor, Tensor]:
        """Costs (systems, replications), and whether no backlog grows."""
        learning = network.training
        costs, stable = [], True
        for system in self._systems:
            total = self._trial(system, LearnedPolicy(network, features=self._features)).total()
            costs.append(torch.from_numpy(total.costs[0, 0]))
            stable &= bool(total.stable(0)[0])
        network.bind(self._systems[0])
        network.train(learning)
        return torch.stack(costs), torch.tensor(stable)

    def _trial(self, system: System, policy: LearnedPolicy) -> Outcome:
        price = self._replications * _SLOTS
        outcome = Trials(system, self._seed, _SLOTS, self._replications, price).run_policy(
            lambda _: policy, 1
        )
        assert outcome is not None, "the budget is that of one trial"
        self.used += price
        return outcome

    def _better(self, costs: Tensor, stable: Tensor) -> bool:
        if stable != self._stable:
            return bool(stable)
        gain = ((self._costs - costs) / self._costs.mean(-1, keepdim=True)).flatten().numpy()
        return bool(gain.mean() > standard_error(gain))

    def state(self) -> dict[str, Tensor]:
        """All that is remembered."""
        named = {f"{KEPT}network.{key}": value for key, value in self._weights.items()}
        used = torch.tensor(self.used)
        return named | {f"{KEPT}costs": self._costs, f"{KEPT}stable": self._stable, f"{KEPT}used": used}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on from a `state`."""
        mine = below(KEPT, state)
        self._costs, self._stable, self.used = mine["costs"], mine["stable"], int(mine["used"])
        self._weights = below("network.", mine)
