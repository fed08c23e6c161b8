"""Exact distribution of latencies, in memory proportional to the number of distinct values."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt.arrays import Floats, Integers


@dataclass
class Latencies:
    """Numbers of tasks by latency in slots, for each group (a service of a replication).

    Attributes
    ----------
    group, slots, tasks : ndarray (D,)
        Distinct pairs of group and latency, sorted, and the number of tasks of each.
    """

    group: Integers
    slots: Integers
    tasks: Integers

    @classmethod
    def none(cls) -> Latencies:
        """The distribution of no tasks."""
        return cls(*(np.zeros(0, np.int64) for _ in range(3)))

    def add(self, group: Integers, slots: Integers, tasks: Integers | None = None) -> None:
        """Count tasks.

        Parameters
        ----------
        group, slots : ndarray (n,) of int
            Group and latency in slots.
        tasks : ndarray (n,) of int, optional
            Number of tasks of each entry; one by default.
        """
        if not group.size:
            return
        weight = np.ones(group.size, np.int64) if tasks is None else tasks
        group = np.concatenate([self.group, group])
        slots = np.concatenate([self.slots, slots])
        weight = np.concatenate([self.tasks, weight])
        order = np.lexsort((slots, group))
        group, slots, weight = group[order], slots[order], weight[order]
        new = np.ones(group.size, bool)
        new[1:] = (group[1:] != group[:-1]) | (slots[1:] != slots[:-1])
        first = np.flatnonzero(new)
        self.group, self.slots, self.tasks = group[first], slots[first], np.add.reduceat(weight, first)

    def of_groups(self, groups: Integers) -> Latencies:
        """The distribution in some groups.

        Parameters
        ----------
        groups : ndarray of int
            Numbers of the groups.
        """
        keep = np.isin(self.group, groups)
        return Latencies(self.group[keep], self.slots[keep], self.tasks[keep])

    def merged(self) -> Latencies:
        """The distribution in all groups together, as group 0."""
        result = Latencies.none()
        result.add(np.zeros_like(self.group), self.slots, self.tasks)
        return result

    @property
    def count(self) -> int:
        """Number of tasks."""
        return int(self.tasks.sum())

    @property
    def mean(self) -> float:
        """Mean latency in slots; NaN without tasks."""
        return float(np.dot(self.slots, self.tasks)) / self.count if self.count else float("nan")

    def sums(self, groups: int) -> Integers:
        """Sums of the latencies in slots, of each group.

        Parameters
        ----------
        groups : int
            Number of groups.

        Returns
        -------
        ndarray (groups,) of int
        """
        total = np.zeros(groups, np.int64)
        np.add.at(total, self.group, self.slots * self.tasks)
        return total

    def percentiles(self, percent: tuple[float, ...]) -> Floats:
        """Percentiles in slots, interpolated as `numpy.percentile` does; NaN without tasks.

        Parameters
        ----------
        percent : tuple of float
            From 0 to 100.

        Returns
        -------
        ndarray (len(percent),)
        """
        table = self.merged()
        if not table.count:
            return np.full(len(percent), np.nan)
        position = (table.count - 1) * np.asarray(percent) / 100.0
        below = np.floor(position)
        up_to = np.cumsum(table.tasks)
        low = table.slots[np.searchsorted(up_to, below, side="right")]
        high = table.slots[np.searchsorted(up_to, np.ceil(position), side="right")]
        return np.asarray(low + (position - below) * (high - low))
