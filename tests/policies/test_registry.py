"""Policies by name, and points as text."""

from __future__ import annotations

import re
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from click.testing import CliRunner

from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import load_scenario
from lyaopt.model.system import Device, Service, System
from lyaopt.policies import Fixed, all_local, make_policy, middle, parse_points, policy_names
from lyaopt.simulation import Policy, simulate
from tests.policies.small import SHRINKING, pair

SYSTEM = load_scenario("default")
NAMES = [
    f"{device}/{service}"
    for device, services in zip(SYSTEM.device_ids, SYSTEM.service_ids, strict=True)
    for service in services
]
SEARCH = {"slots": 100, "replications": 2}
QUICK = {
    "best-fixed": SEARCH,
    "table": SEARCH,
    "price": SEARCH,
    "value": SEARCH,
    "planning": SEARCH | {"horizon": 2, "futures": 2},
}


@pytest.mark.parametrize("name", policy_names())
def test_every_name_makes_a_policy_of_that_name_with_legal_points(name):
    policy = make_policy(name, SYSTEM, **QUICK.get(name, {}))
    assert isinstance(policy, Policy)
    assert policy.name == name
    result = simulate(SYSTEM, policy, slots=100, replications=3)
    assert result.policy == name
    assert ((result.points >= 0) & (result.points < SYSTEM.cut_counts[:, None])).all()


def test_points_in_order_are_numbers_or_layers():
    afters = [service.profile.cuts[k].after for k, service in enumerate(SYSTEM.services)]
    expected = np.arange(8)
    for text in ("0,1,2,3,4,5,6,7", " 0, 1,2 ,3,4,5,6, 7", ",".join(afters), f"0,{afters[1]},2,3,4,5,6,7"):
        np.testing.assert_array_equal(parse_points(text, SYSTEM), expected)
        policy = make_policy(text, SYSTEM)
        assert isinstance(policy, Fixed)
        np.testing.assert_array_equal(policy.points, expected)


def test_one_service_takes_one_cut():
    system = System((Device(distance_m=200.0, services=(Service(SHRINKING),)),))
    assert parse_points("2", system).tolist() == [2]
    assert parse_points("layer-1", system).tolist() == [1]


def test_points_by_name_need_every_service_or_a_beginning():
    assert parse_points("device-0/service-1=2,device-0/service-0=layer-1", pair()).tolist() == [1, 2]
    text = ",".join(f"{name}={k}" for k, name in reversed(list(enumerate(NAMES))))
    np.testing.assert_array_equal(parse_points(text, SYSTEM), np.arange(8))
    changed = parse_points(f"all-local,{NAMES[3]}=5", SYSTEM)
    expected = np.array(all_local(SYSTEM).points)
    expected[3] = 5
    np.testing.assert_array_equal(changed, expected)
    changed[3] = middle(SYSTEM).points[3]
    assert (changed != middle(SYSTEM).points).any()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("midle", ["middle", "best-fixed", "'midle'"]),
        ("", ["middle", "''"]),
        ("1,2", ["8 services", "got 2"]),
        ("0,1,2,3,4,5,99,7", [NAMES[6], "K = 8", "99"]),
        ("0,1,2,3,4,5,9,7", [NAMES[6], "K = 8", "got 9"]),
        ("0,1,2,3,4,5,-1,7", [NAMES[6], "'-1'"]),
        ("0,1,2,3,4,5,fc9,7", [NAMES[6], "'fc9'"]),
        ("0,1,2,3,4,5,,7", [NAMES[6], "''"]),
        ("phone/nobody=3", ["'phone/nobody'", NAMES[0]]),
        (f"{NAMES[0]}=3", [*NAMES[1:], "middle"]),
        (f"middle,{NAMES[0]}=3,{NAMES[0]}=4", [NAMES[0], "twice"]),
        (f"middle,{NAMES[0]}=99", [NAMES[0], "K = 30", "99"]),
        (f"{NAMES[0]}=1,middle", ["'middle'", "device/service=cut"]),
        (f"middle,{NAMES[0]}=", [NAMES[0], "''"]),
    ],
)
def test_errors_name_what_is_wrong_on_one_line(text, words):
    with pytest.raises(ProblemError) as caught:
        make_policy(text, SYSTEM)
    assert caught.value.path == "$.policy"
    assert "\n" not in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_layers_that_two_cuts_come_after_are_refused():
    cuts = tuple(replace(cut, after="same") for cut in SHRINKING.cuts)
    system = System((Device(distance_m=200.0, services=(Service(replace(SHRINKING, cuts=cuts)),)),))
    with pytest.raises(ProblemError, match=re.escape("3 cuts")):
        parse_points("same", system)


@pytest.mark.parametrize("name", [*policy_names(), "0,1,2,3,4,5,6,7"])
def test_unknown_options_are_refused(name):
    with pytest.raises(ProblemError, match="'colour'"):
        make_policy(name, SYSTEM, colour="red")


def test_options_reach_the_policy():
    assert make_policy("greedy", SYSTEM, weights=(1.0, 2.0, 3.0)).weights == (1.0, 2.0, 3.0)
    with pytest.raises(ProblemError, match=r"\$\.budget"):
        make_policy("best-fixed", SYSTEM, budget=1)


@pytest.mark.parametrize("command", ["simulate", "evaluate"])
def test_help_names_every_policy(command):
    help_text = CliRunner().invoke(import_module(f"lyaopt_cli.commands.{command}").command, ["--help"]).output
    assert set(policy_names()) <= set(re.findall(r"[\w-]+", help_text))
