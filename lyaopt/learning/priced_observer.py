"""What each partition point would add to the cost of what waits, as a learner sees it.

Under `lyaopt.simulation.price_rule.PriceRule` a learner does not begin with nothing: the rule knows what a
task adds at each cut, and how much more that is than at the best one. These gaps are part of the
observation, and the network begins with the rule's choice (`lyaopt.learning.priced_network`).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from lyaopt._kernels.learning import added_costs as kernel
from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.learning.observer import Observer, Rows
from lyaopt.model.system import System
from lyaopt.simulation.kernel_arrays import make_model
from lyaopt.simulation.price_rule import PriceRule
from lyaopt.simulation.priced_model import priced_model
from lyaopt.simulation.state import State

MOST_GAP = 1e3
"""The largest gap, and that of cuts that the rule does not try."""
_LEAST_GAP = 1e-6
"""The least gap of cuts that the rule would not choose: observations are rounded."""


class PricedObserver(Observer):
    """Writes the observations of a system, and behind them the gaps of the cuts of each service.

    A gap is what a task with this cut would add to the cost, less what it adds at the best one, over the
    latter or what a task adds that finds nothing waiting, if that is more.

    Parameters
    ----------
    system : System
    features : collection of str
        As of `Observer`.
    rule : PriceRule
        With a choice of cuts.

    Raises
    ------
    ProblemError
        If the rule leaves the cuts to the policy.
    """

    def __init__(self, system: System, features: Collection[str], rule: PriceRule) -> None:
        super().__init__(system, features)
        if rule.cuts is None:
            raise ProblemError("$.rule", "expected a rule that chooses cuts")
        self._rule = rule
        self._of: State | None = None
        self._model: Any = None
        self._shape = system.local_cycles.shape
        self._alone: Floats = np.full((rule.states, *self._shape), np.nan)
        self._unit = self.costs(State(system, 1, 0, None, 1, rule.memory)).min(axis=-1, keepdims=True)

    @property
    def size(self) -> int:
        """Length of an observation: the features, and the gaps (S, largest K + 1)."""
        return self.layout.size + int(np.prod(self._shape))

    def write(self, state: State, rows: Rows) -> None:
        """Write observations at the end of a period, or before the first one.

        Parameters
        ----------
        state : State
            State of B replications.
        rows : ndarray (B, size) of float32
            Overwritten.
        """
        features = np.empty((len(rows), self.layout.size), np.float32)
        super().write(state, features)
        rows[:, : self.layout.size] = features
        rows[:, self.layout.size :] = self.gaps(state).reshape(len(rows), -1)

    def gaps(self, state: State) -> Floats:
        """Return the gaps of all cuts.

        Parameters
        ----------
        state : State
            At the start of a period.

        Returns
        -------
        ndarray (B, S, largest K + 1)
            0 for the cut that the rule would choose; `MOST_GAP` for those that it does not try.
        """
        costs = self.costs(state)
        best = costs.argmin(axis=-1)[..., None]
        least = np.take_along_axis(costs, best, -1)
        gaps = np.clip((costs - least) / np.maximum(np.abs(least), self._unit), _LEAST_GAP, MOST_GAP)
        np.put_along_axis(gaps, best, 0.0, -1)
        return np.asarray(gaps)

    def costs(self, state: State) -> Floats:
        """Return what a task would add now at each cut, in J.

        Parameters
        ----------
        state : State
            At the start of a period.

        Returns
        -------
        ndarray (B, S, largest K + 1)
            Infinite for cuts that the rule does not try.
        """
        layout = state.layout
        if state is not self._of:
            model = make_model(self.system, layout)
            model = model._replace(weights=np.zeros(state.kernel_state.rates.shape))
            self._model = priced_model(model, self._rule, layout, self.system.slots_per_period)
            self._of = state
        found = np.empty((layout.replications, *self._shape))
        kernel.write_added_costs(self._model, layout.placement, state.kernel_state, self._alone, found)
        return found
