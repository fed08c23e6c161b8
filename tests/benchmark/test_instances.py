"""The instances are those whose hashes are stated, and derived as documented."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest

from lyaopt.benchmark import load_suite
from lyaopt.benchmark.instances import checked_instance, content_hash
from lyaopt.errors import ProblemError
from lyaopt.model.cpus import load_cpu
from lyaopt.model.profiles import load_profile
from lyaopt.model.scenarios import format_scenario, list_scenarios, parse_scenario
from lyaopt.model.system import MeasuredRadio

SUITE = load_suite()
BY_NAME = {instance.name: instance for instance in SUITE.instances}
DATA = files("lyaopt.benchmark") / "data"


def test_the_suite_has_the_six_scenarios_and_five_more():
    scenarios = set(list_scenarios()) - {"default"}
    more = {"double-load", "fourfold-load", "sixteen-devices", "dvfs", "throughput-trace"}
    assert set(BY_NAME) == scenarios | more
    assert [instance.name for instance in SUITE.instances if instance.traced] == ["throughput-trace"]


@pytest.mark.parametrize("name", BY_NAME)
def test_the_content_has_the_stated_hash(name):
    text = (DATA / f"{name}.toml").read_bytes()
    models = sorted({service.model for service in BY_NAME[name].system.services})
    counts = [[load_profile(model).name, load_profile(model).cuts] for model in models]
    hashed = text + b"".join(
        json.dumps([network, [[cut.macs, cut.bits] for cut in cuts]]).encode() for network, cuts in counts
    )
    assert hashlib.sha256(hashed).hexdigest() == BY_NAME[name].sha256


@pytest.mark.parametrize("name", BY_NAME)
def test_a_second_of_waiting_is_worth_ten_millijoules(name):
    assert (BY_NAME[name].system.waiting_costs_j_per_s == 0.01).all()


def test_another_content_is_refused():
    instance = BY_NAME["balanced"]
    text = (DATA / "balanced.toml").read_bytes()
    stated = {"name": "balanced", "about": "", "sha256": instance.sha256}
    assert checked_instance(text, stated).system == instance.system
    with pytest.raises(ProblemError, match="balanced: expected " + instance.sha256) as refused:
        checked_instance(text.replace(b"201.2", b"201.3"), stated, "$.instances[0].sha256")
    assert refused.value.path == "$.instances[0].sha256"


def test_the_counts_of_a_network_are_in_the_hash():
    profile = load_profile("alexnet")
    text = b'[[devices]]\ndistance_m = 200.0\n[[devices.services]]\nmodel = "alexnet"\n'
    system = parse_scenario(text)
    first, second, *rest = profile.cuts
    other = replace(profile, cuts=(first, replace(second, bits=second.bits + 1), *rest))
    device = replace(system.devices[0], services=(replace(system.services[0], model=other),))
    assert content_hash(text, system) != content_hash(text, replace(system, devices=(device,)))


@pytest.mark.parametrize(("name", "times"), [("double-load", 2.0), ("fourfold-load", 4.0)])
def test_more_load_is_balanced_with_more_arrivals(name, times):
    balanced, loaded = BY_NAME["balanced"].system, BY_NAME[name].system
    assert (loaded.arrival_rate_per_s == times * balanced.arrival_rate_per_s).all()
    assert _without_rates(loaded) == _without_rates(balanced)


def _without_rates(system):
    devices = [
        replace(device, services=tuple(replace(one, arrival_rate_per_s=0.0) for one in device.services))
        for device in system.devices
    ]
    return format_scenario(replace(system, devices=tuple(devices)))


def test_sixteen_devices_are_those_of_balanced_four_times():
    four, sixteen = BY_NAME["balanced"].system, BY_NAME["sixteen-devices"].system
    assert len(sixteen.devices) == 16
    assert [service.model for service in sixteen.services] == 4 * [service.model for service in four.services]
    assert sixteen.edge_capacity_hz == 4 * four.edge_capacity_hz
    np.testing.assert_array_equal(sixteen.device_bandwidth_hz, np.tile(four.device_bandwidth_hz, 4))
    assert sixteen.distance_m.tolist() == np.random.default_rng(16).uniform(150, 250, 16).round(1).tolist()


def test_real_cpus_are_those_that_are_shipped():
    balanced, dvfs = BY_NAME["balanced"].system, BY_NAME["dvfs"].system
    names = ("mt8183_a53", "mt8183_a73", "rk3399_a72", "rk3588_a76")
    for device, name in zip(dvfs.devices, names, strict=True):
        points = load_cpu(name).points
        assert device.cpu_points == points
        assert device.cpu_capacity_hz == points[-1].hz
    cubic = [replace(d, cpu_points=None, cpu_capacity_hz=1.5e9) for d in dvfs.devices]
    assert replace(dvfs, devices=tuple(cubic)) == balanced


def test_measured_radios_are_all_that_differs_from_balanced():
    traced = BY_NAME["throughput-trace"].system
    assert {device.radio for device in traced.devices} == {MeasuredRadio(4e7, 0.3)}
    shannon = replace(traced, devices=tuple(replace(device, radio=None) for device in traced.devices))
    assert shannon == BY_NAME["balanced"].system


def test_the_held_out_seed_is_not_one_for_training():
    assert SUITE.full.seed >= SUITE.training_seeds > SUITE.quick.seed


def test_an_unknown_instance_is_named():
    with pytest.raises(ProblemError, match=r"expected one of balanced, .*; got 'blanced'") as refused:
        SUITE.select(["paper", "blanced"])
    assert refused.value.path == "$.instances[1]"
    assert [item.name for item in SUITE.select(["bursty", "paper"])] == ["paper", "bursty"]
