"""Policies by name, and fixed points as text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from inspect import signature
from typing import Any

import numpy as np

from lyaopt.arrays import Integers, check_type
from lyaopt.errors import ProblemError
from lyaopt.model.edges import check_one_edge
from lyaopt.model.system import Service, System
from lyaopt.policies.best_fixed import best_fixed
from lyaopt.policies.channel_table import table
from lyaopt.policies.edge_text import split_edges
from lyaopt.policies.fixed import Fixed, all_local, all_offload, middle
from lyaopt.policies.gain_guess import guess_of_traces
from lyaopt.policies.greedy import Greedy
from lyaopt.policies.own_policy import is_own, own_policy
from lyaopt.policies.paired_trials import SearchOptions
from lyaopt.policies.price_policy import price, value
from lyaopt.policies.random import Random
from lyaopt.policies.rollout_policy import planning
from lyaopt.simulation import Policy, Trace


def _random(system: System) -> Random:
    return Random()


def _greedy(
    system: System, weights: tuple[float, float, float] | None = None, traces: Sequence[Trace] = ()
) -> Greedy:
    return Greedy(weights, guess=guess_of_traces(system, traces) if traces else None)


_POINTS: Mapping[str, Callable[[System], Fixed]] = {
    "middle": middle,
    "all-local": all_local,
    "all-offload": all_offload,
}
_SEARCHED: Mapping[str, Callable[..., Policy]] = {
    "best-fixed": best_fixed,
    "table": table,
    "planning": planning,
    "price": price,
    "value": value,
}
_POLICIES: Mapping[str, Callable[..., Policy]] = {
    **_POINTS,
    "random": _random,
    "greedy": _greedy,
    **_SEARCHED,
}
_PRICED = ("price", "value")
_ONE_EDGE = ("table", "planning")
_SEARCH_OPTIONS = tuple(item.name for item in fields(SearchOptions))


def policy_names() -> tuple[str, ...]:
    """Return the names that `make_policy` accepts; it also accepts points as text."""
    return tuple(_POLICIES)


def is_searched(name: str) -> bool:
    """Tell whether the policy called `name` is found by a search, with the options of `SearchOptions`."""
    return name in _SEARCHED


def is_priced(name: str) -> bool:
    """Tell whether the policy called `name` weighs waiting, with a waiting cost or a target latency."""
    return name in _PRICED


def takes_traces(name: str) -> bool:
    """Tell whether the policy called `name` is fitted to traces, with the option `traces`."""
    return name in _SEARCHED or (name in _POLICIES and "traces" in signature(_POLICIES[name]).parameters)


def make_policy(name: str, system: System, **options: Any) -> Policy:
    """Make a policy by name, or from fixed points as text (`parse_points`).

    Parameters
    ----------
    name : str
        One of `policy_names`, points as text, or ``MODULE:CLASS``: a class or function of one's own that
        takes the system and returns a policy; modules in the current folder are found.
    system : System
        To be served; searches simulate it.
    **options
        ``best-fixed``, ``table``, ``planning``, ``price`` and ``value`` take the fields of `SearchOptions`;
        ``table`` and ``planning`` also `states`, ``planning`` also `horizon` and `futures`, ``price`` and
        ``value`` also `waiting_cost_j_per_s` or `target_latency_s`; ``greedy`` takes `weights`, and
        `traces` to which its guess of the gains to come is fitted.

    Returns
    -------
    Policy

    Raises
    ------
    ProblemError
        If there is no such policy, or it has no such option; `$.policy` if the text does not give points, or
        there is no such class.
    """
    check_type(name, str, "policy", "the name of a policy or its points as text")
    check_type(system, System, "system", "as load_scenario returns")
    if name not in _POLICIES:
        _check_options(name, (), options)
        if is_own(name):
            return own_policy(name, system)
        text, edges = split_edges(name, system)
        points = _POINTS[text](system).points if text in _POINTS else parse_points(text, system)
        return Fixed(points, "fixed", edges)
    if name in _ONE_EDGE:
        check_one_edge(system, f"{name} knows one edge server")
    make = _POLICIES[name]
    own = [parameter for parameter in signature(make).parameters if parameter not in ("system", "options")]
    if name not in _SEARCHED:
        _check_options(name, own, options)
        return make(system, **options)
    _check_options(name, (*_SEARCH_OPTIONS, *own), options)
    search = SearchOptions(**{key: options[key] for key in _SEARCH_OPTIONS if key in options})
    return make(system, search, **{key: options[key] for key in own if key in options})


def _check_options(name: str, known: Sequence[str], options: Mapping[str, Any]) -> None:
    for option in options:
        if option not in known:
            expected = f"one of {', '.join(known)}" if known else "no options"
            raise ProblemError("$.policy", f"expected {expected} for {name!r}, got {option!r}")


def parse_points(text: str, system: System) -> Integers:
    """Parse partition points.

    A cut is a number k, or the name of the layer that it follows. The text holds one cut for each service,
    device by device, such as ``3,1,conv5,0``; or cuts by name, such as ``phone/detect=3,phone/track=fc1``.
    By name, services may be left out if the text begins with a policy for the others:
    ``middle,phone/detect=3``.

    Parameters
    ----------
    text : str
        Cuts, separated by commas.
    system : System
        Gives names and numbers of devices, services and cuts.

    Returns
    -------
    ndarray (S,) of int

    Raises
    ------
    ProblemError
        `$.policy`, with the name or cut that is wrong.
    """
    items = [item.strip() for item in text.split(",")]
    if not any("=" in item for item in items):
        return _points_in_order(items, text, system)
    base = None
    if items[0] in _POINTS:
        base = np.array(_POINTS[items.pop(0)](system).points)
    return _points_by_name(items, base, system)


def _points_in_order(items: list[str], text: str, system: System) -> Integers:
    services = system.services
    if len(items) == 1 and len(services) != 1:
        expected = f"{', '.join(_POLICIES)}, MODULE:CLASS, or a cut for each of {len(services)} services"
        raise ProblemError("$.policy", f"expected {expected}; got {text!r}")
    if len(items) != len(services):
        reason = f"expected a cut for each of {len(services)} services, got {len(items)}"
        raise ProblemError("$.policy", reason)
    names = _names(system)
    return np.array([_cut(item, names[s], services[s]) for s, item in enumerate(items)])


def _points_by_name(items: list[str], base: Integers | None, system: System) -> Integers:
    names = _names(system)
    points = dict(enumerate(base.tolist())) if base is not None else {}
    named = set()
    for item in items:
        name, equals, cut = (part.strip() for part in item.partition("="))
        if not equals:
            raise ProblemError("$.policy", f"expected device/service=cut, got {item!r}")
        if name not in names:
            raise ProblemError("$.policy", f"expected one of {', '.join(names)}; got {name!r}")
        s = names.index(name)
        if s in named:
            raise ProblemError("$.policy", f"expected {name} once, got it twice")
        named.add(s)
        points[s] = _cut(cut, name, system.services[s])
    missing = [name for s, name in enumerate(names) if s not in points]
    if missing:
        raise ProblemError("$.policy", f"expected a cut for {', '.join(missing)} too (or begin with middle)")
    return np.array([points[s] for s in range(len(names))])


def _names(system: System) -> list[str]:
    pairs = zip(system.device_ids, system.service_ids, strict=True)
    return [f"{device}/{service}" for device, services in pairs for service in services]


def _cut(text: str, name: str, service: Service) -> int:
    last = len(service.profile.cuts) - 1
    # Some networks name layers by numbers: the number of a cut takes precedence.
    if text.isdecimal():
        if int(text) > last:
            raise ProblemError("$.policy", f"{name}: expected a cut from 0 to K = {last}, got {text}")
        return int(text)
    places = [k for k, cut in enumerate(service.profile.cuts) if cut.after == text]
    if len(places) != 1:
        count = f"{len(places)} cuts of {service.profile.name} come" if places else "no cut comes"
        raise ProblemError("$.policy", f"{name}: expected a cut from 0 to K = {last}, {count} after {text!r}")
    return places[0]
