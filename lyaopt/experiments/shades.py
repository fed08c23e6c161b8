"""Colours and markers of policies, the same in all figures of an experiment."""

from __future__ import annotations

from collections.abc import Sequence

from lyaopt.experiments.results import Results

_COLOURS = {
    "lyappo": "#b5482f",
    "lyappo-once": "#e08a4a",
    "lyappo-shared": "#e08a4a",
    "lyappo-paper": "#8c5a6b",
    "ppo-joint": "#35719c",
    "ppo-joint-paper": "#7fa8c6",
    "ddpg": "#5a8f4e",
    "random": "#9a9a9a",
    "middle": "#555555",
    "best-fixed": "#1d1d1d",
    "price": "#1b8a7a",
    "bound": "#bbbbbb",
}
_MORE = ("#6b5b95", "#c29b38", "#3b7dd8", "#a44a6c")
_MARKS = {"lyappo": "o", "lyappo-once": "D", "best-fixed": "s", "ppo-joint": "^", "ddpg": "v", "price": "P"}
_MORE_MARKS = ("X", "*", "<", ">", "p", "h", "d")


def colour(policy: str, policies: Sequence[str]) -> str:
    """Return the colour of a policy, the same in all figures.

    Parameters
    ----------
    policy : str
        Name in the results.
    policies : sequence of str
        All policies of the figure, by which those without a colour of their own are numbered.

    Returns
    -------
    str
    """
    others = [name for name in policies if name not in _COLOURS]
    return _COLOURS.get(policy) or _MORE[others.index(policy) % len(_MORE)]


def shade_of(results: Results, policy: str) -> str:
    """Return the colour of a policy of a sweep; a bound at a latency has that of the rule at this latency.

    Parameters
    ----------
    results : Results
        Of the sweep.
    policy : str
        Name in the results.
    """
    waiting = results.definition.get("waiting", {})
    if policy not in waiting:
        return colour(policy, [name for name in results.policies if name not in waiting])
    said = [{**entry, "policy": ""} for entry in waiting.values()]
    return _MORE[said.index({**waiting[policy], "policy": ""}) % len(_MORE)]


def mark_of(results: Results, policy: str) -> str:
    """Return the marker of a policy, another one for each: lines that meet are told apart.

    Parameters
    ----------
    results : Results
        Of the sweep.
    policy : str
        One of its policies.
    """
    others = [name for name in results.policies if name not in _MARKS and not results.is_bound(name)]
    return _MARKS.get(policy) or _MORE_MARKS[others.index(policy) % len(_MORE_MARKS)]
