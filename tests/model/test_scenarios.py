"""Scenarios are parsed strictly, and formatted so that they parse to equal systems."""

from __future__ import annotations

import copy
import json
import math
import pickle
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.profiles import Cut, Profile, format_profile, list_profiles, load_profile
from lyaopt.model.scenarios import (
    format_scenario,
    list_scenarios,
    load_scenario,
    parse_scenario,
    scenario_schema,
    scenario_text,
    scenario_to_dict,
)
from lyaopt.model.system import Arrivals, Channel, Device, Learning, Service, System
from tests.support.slot_text import at, keys, objects, shown

FULL = scenario_to_dict(load_scenario("default"))
REQUIRED = {("devices",)} | {path for path in keys(FULL) if path[-1] in ("distance_m", "services", "model")}
NUMBERS = [path for path in keys(FULL) if type(at(FULL, path)) in (int, float) and 0 not in path[1:2]]
TINY = Profile("tiny", "made up", 24, 10, 8, (Cut("in", 0, 24), Cut("a", 4, 64), Cut("b", 10, 0)))


def refusal(document: Any, folder: Any = ".") -> DocumentError:
    text = document if isinstance(document, str | bytes) else json.dumps(document)
    with pytest.raises(DocumentError) as caught:
        parse_scenario(text, folder)
    return caught.value


def changed(path: Any, value: Any) -> dict[str, Any]:
    document = copy.deepcopy(FULL)
    at(document, path[:-1])[path[-1]] = value
    return document


def by_path(value: Any) -> str | None:
    return shown(value) if isinstance(value, tuple) else None


# --- shipped scenarios


@pytest.mark.parametrize("name", list_scenarios())
def test_a_shipped_scenario_reads_back_equal_from_every_spelling(name):
    system = load_scenario(name)
    assert parse_scenario(scenario_text(name)) == system
    assert parse_scenario(format_scenario(system)) == system
    assert parse_scenario(json.dumps(scenario_to_dict(system))) == system
    assert pickle.loads(pickle.dumps(system)) == system


def test_shipped_scenarios_differ_from_the_default_where_they_say():
    base = load_scenario("default")
    weights = {"energy_weight_local": 1e9, "energy_weight_transmit": 1e6}
    assert load_scenario("balanced") == base
    assert load_scenario("paper") == replace(base, **weights)
    assert load_scenario("scarce-edge") == replace(base, edge_capacity_hz=3e8)
    assert load_scenario("bursty") == replace(base, arrivals=Arrivals(5.0, 0.1, 10.0))
    slow = replace(base.channel, shadowing_std_db=25.0, shadowing_sojourn_s=10.0)
    assert load_scenario("shadowing") == replace(base, channel=slow)
    assert len({load_scenario(name) for name in list_scenarios()}) == len(list_scenarios()) - 1


def test_the_default_is_the_papers_table():
    system = load_scenario("default")
    assert (system.slot_duration_s, system.slots_per_period, system.cycles_per_mac) == (0.01, 10, 0.12)
    assert (system.edge_capacity_hz, system.bandwidth_hz, system.noise_psd_dbm_per_hz) == (20e9, 1e6, -174.0)
    assert (system.energy_coefficient, system.energy_weight_local) == (1e-28, 1e17)
    assert system.channel == Channel(3.0, 915e6, 3.0, False, "rayleigh")
    assert set(system.cpu_capacity_hz) == {1.5e9}
    assert set(system.max_power_w) == {0.3}
    assert set(system.arrival_rate_per_s) == {0.2}
    assert np.array_equal(system.distance_m, np.random.default_rng(1).uniform(150, 250, 4).round(1))
    assert [len(device.services) for device in system.devices] == [2] * 4
    assert len({service.model for service in system.services}) >= 5


def loads(system: System, cut: Any) -> tuple[Any, Any, float]:
    """Utilisation of CPUs, radios (mean rate at full power, by simulation) and edge at fixed cuts."""
    rows, rate = np.arange(len(cut)), system.arrival_rate_per_s
    cycles = np.bincount(system.device_of_service, rate * system.local_cycles[rows, cut])
    bits = np.bincount(system.device_of_service, rate * system.transmit_bits[rows, cut])
    edge = rate @ system.edge_cycles[rows, cut] / system.edge_capacity_hz
    fading = np.random.default_rng(0).exponential(size=(20_000, 1))
    if system.channel.shadowing_std_db:
        fading = fading * 10 ** (
            np.random.default_rng(1).normal(size=fading.shape) * system.channel.shadowing_std_db / 10
        )
    width = system.device_bandwidth_hz
    signal = system.max_power_w * system.mean_channel_gain() * fading / (width * system.noise_w_per_hz)
    carried = (width * np.log2(1 + signal)).mean(axis=0)
    return cycles / system.cpu_capacity_hz, bits / carried, float(edge)


@pytest.mark.parametrize("name", [name for name in list_scenarios() if name != "frame-rate"])
def test_middle_cuts_carry_the_load(name):
    system = load_scenario(name)
    cpu, radio, edge = loads(system, (system.cut_counts - 1) // 2)
    assert max(cpu.max(), radio.max(), edge) < 0.8


def test_at_frame_rate_devices_can_carry_all_locally_and_not_the_middle_cuts():
    system = load_scenario("frame-rate")
    assert (system.arrival_rate_per_s * system.slot_duration_s == 0.2).all()
    cpu, radio, _ = loads(system, system.cut_counts - 1)
    assert cpu.max() < 0.7
    assert radio.max() == 0.0
    assert loads(system, (system.cut_counts - 1) // 2)[1].min() > 2.0


def test_a_scarce_edge_cannot_serve_everything():
    system = load_scenario("scarce-edge")
    assert loads(system, np.zeros(8, dtype=int))[2] > 1.5


def test_bursts_overload_a_device():
    system = load_scenario("bursty")
    work = system.local_cycles.max(axis=1) * system.arrival_rate_per_s * system.arrivals.busy_rate_factor
    assert (work > system.cpu_capacity_hz[system.device_of_service]).any()


# --- reading


def test_an_empty_section_is_its_defaults():
    text = '[[devices]]\ndistance_m = 200\n[[devices.services]]\nmodel = "alexnet"\n'
    system = parse_scenario(text)
    assert system == System((Device(200.0, (Service("alexnet"),)),))
    assert parse_scenario(b"[system]\n[channel]\n" + text.encode()) == system


@pytest.mark.parametrize("path", [path for path in keys(FULL) if path[1:2] != (1,)], ids=by_path)
def test_a_missing_key_is_its_default_or_refused(path):
    document = copy.deepcopy(FULL)
    del at(document, path[:-1])[path[-1]]
    if path in REQUIRED:
        error = refusal(document)
        assert (error.path, error.reason) == (shown(path), "missing required key")
    else:
        assert parse_scenario(json.dumps(document))


@pytest.mark.parametrize("path", sorted(objects(FULL), key=str), ids=by_path)
def test_an_unknown_key_is_refused(path):
    document = copy.deepcopy(FULL)
    at(document, path)["profile"] = 1
    error = refusal(document)
    assert error.path == shown((*path, "profile"))
    assert error.reason.startswith("expected one of the keys ")


@pytest.mark.parametrize("section", ["devices", "channel", "arrivals", "learning", "system"])
def test_a_section_is_no_key_of_system(section):
    document = changed(("system", section), FULL[section])
    assert refusal(document).path == f"$.system.{section}"


@pytest.mark.parametrize("path", NUMBERS, ids=by_path)
@pytest.mark.parametrize("wrong", ["3", True, None, [], {}, math.nan, math.inf, 10**400], ids=str)
def test_values_that_are_not_finite_numbers_are_refused(path, wrong):
    error = refusal(changed(path, wrong))
    assert error.path == shown(path)
    assert error.reason.startswith("expected ")


@pytest.mark.parametrize("path", [path for path in NUMBERS if "noise" not in path[-1]], ids=by_path)
def test_negative_numbers_are_refused(path):
    assert refusal(changed(path, -1)).path == shown(path)


@pytest.mark.parametrize("path", sorted({*objects(FULL), ("devices",)} - {()}, key=str), ids=by_path)
@pytest.mark.parametrize("wrong", [3, "x", True, [3]], ids=str)
def test_values_that_are_not_tables_are_refused(path, wrong):
    error = refusal(changed(path, wrong))
    assert error.path in (shown(path), f"{shown(path)}[0]")


@pytest.mark.parametrize("text", ["", "{", "[system", "a = ", b"\xff", "[]", "{} {}", "x" * 70, "{" * 10**5])
def test_text_that_is_not_a_scenario_is_refused(text):
    assert refusal(text).path in ("$", "$.devices")


def test_a_repeated_key_is_refused():
    text = json.dumps(FULL).replace('"carrier_hz": ', '"carrier_hz": 1.0, "carrier_hz": ')
    assert refusal(text).path == "$.channel.carrier_hz"
    assert refusal("[channel]\ncarrier_hz = 1.0\ncarrier_hz = 2.0\n").line == 3


def test_all_errors_are_found():
    document = changed(("devices", 2, "max_power_w"), -1)
    document["system"]["bandwidth_hz"] = 0
    document["devices"][1]["services"][0]["model"] = "no such network"
    paths = [path for path, _ in refusal(document).errors]
    expected = ["$.devices[1].services[0].model", "$.devices[2].max_power_w", "$.system.bandwidth_hz"]
    assert sorted(paths) == expected


@pytest.mark.parametrize(
    "path", [path for path in keys(FULL) if path[1:2] != (0,) and path[-1] != "id"], ids=by_path
)
def test_errors_name_the_line(path):
    marked = json.dumps(changed(path, "MARK"), indent=1)
    assert refusal_line(marked, path) == marked[: marked.index('"MARK"')].count("\n") + 1
    if not isinstance(at(FULL, path), list | dict):
        lines = format_scenario(load_scenario("default")).splitlines()
        number = next(i for i in range(len(lines)) if value_at(lines[: i + 1], path))
        lines[number] = f"{path[-1]} = [1, # more\n2,\n\n]"
        assert refusal_line("\n".join(lines), path) == number + 4


def value_at(lines: list[str], path: Any) -> bool:
    import tomllib

    try:
        at(tomllib.loads("\n".join(lines)), path)
    except (LookupError, ValueError):
        return False
    return True


def refusal_line(text: str, path: Any) -> int | None:
    error = refusal(text)
    assert error.path == shown(path)
    return error.line


def test_profiles_are_found_in_the_folder_of_the_scenario(tmp_path):
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "tiny.json").write_text(format_profile(TINY))
    text = '[[devices]]\ndistance_m = 200\n[[devices.services]]\nmodel = "nets/tiny.json"\n'
    (tmp_path / "s.toml").write_text(text)
    system = load_scenario(tmp_path / "s.toml")
    assert system.services[0].profile == TINY
    assert parse_scenario(format_scenario(system)) == system
    assert refusal(text).path == "$.devices[0].services[0].model"


def test_a_changed_profile_is_read_again(tmp_path):
    path = tmp_path / "net.json"
    path.write_text(format_profile(TINY))
    assert Service(str(path)).profile == TINY
    path.write_text(format_profile(load_profile("alexnet")))
    assert Service(str(path)).profile == load_profile("alexnet")


def test_a_bad_profile_is_named_with_the_place_inside_it(tmp_path):
    (tmp_path / "bad.json").write_text(format_profile(TINY).replace('"macs": 4', '"macs": -4'))
    text = '[[devices]]\ndistance_m = 200\n[[devices.services]]\nmodel = "bad.json"\n'
    error = refusal(text, tmp_path)
    assert error.path == "$.devices[0].services[0].model"
    assert "bad.json: $.cuts[1].macs: expected at least 0, got -4" in error.reason
    assert error.line == 4


# --- waiting costs


def waiting_document(of_system: Any, *of_services: Any) -> str:
    lines = ["[system]", "" if of_system is None else f"waiting_cost_j_per_s = {of_system}"]
    for cost in of_services:
        lines += ["[[devices]]", "distance_m = 200", "[[devices.services]]", 'model = "alexnet"']
        lines += [] if cost is None else [f"waiting_cost_j_per_s = {cost}"]
    return "\n".join(lines)


def test_a_service_has_its_own_waiting_cost_or_that_of_the_system():
    assert parse_scenario(waiting_document(None, None, None)).waiting_costs_j_per_s is None
    assert parse_scenario(waiting_document(0.01, None, 0.5)).waiting_costs_j_per_s.tolist() == [0.01, 0.5]
    assert parse_scenario(waiting_document(None, 0.0, 1)).waiting_costs_j_per_s.tolist() == [0.0, 1.0]


def test_a_service_without_a_waiting_cost_among_others_is_named():
    with pytest.raises(ProblemError) as caught:
        _ = parse_scenario(waiting_document(None, 0.5, None)).waiting_costs_j_per_s
    assert caught.value.path == "$.devices[1].services[0].waiting_cost_j_per_s"


@pytest.mark.parametrize("wrong", ["-1", "nan", "inf", '"3"', "true", "[]"])
def test_a_waiting_cost_that_is_none_is_refused(wrong):
    assert refusal(waiting_document(wrong, None)).path == "$.system.waiting_cost_j_per_s"
    error = refusal(waiting_document(None, wrong))
    assert error.path == "$.devices[0].services[0].waiting_cost_j_per_s"
    assert error.line == 7


# --- writing

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)
POSITIVES = st.floats(1e-3, 1e12)


@st.composite
def systems(draw: Any) -> System:
    waiting = st.none() | st.just(0.0) | POSITIVES
    services = st.builds(Service, st.sampled_from(list_profiles()), POSITIVES, waiting_cost_j_per_s=waiting)
    devices = []
    for _ in range(draw(st.integers(1, 3))):
        own = draw(st.none() | POSITIVES)
        devices.append(
            Device(draw(st.floats(1, 1e3)), draw(st.lists(services, max_size=2)), draw(POSITIVES), 0.3, own)
        )
    devices.append(Device(1.0, (Service("alexnet", id=draw(TEXTS)),), id=draw(TEXTS)))
    learning = Learning(reward_energy_weight=draw(POSITIVES), exclude_cut_zero=draw(st.booleans()))
    numbers = (draw(POSITIVES), draw(st.integers(1, 99)), draw(POSITIVES))
    total_hz = 1e6 + 2.0 * sum(device.bandwidth_hz or 0.0 for device in devices)
    return System(
        devices, *numbers, bandwidth_hz=total_hz, waiting_cost_j_per_s=draw(waiting), learning=learning
    )


@given(systems())
def test_formatted_text_parses_to_an_equal_object(system):
    assert parse_scenario(format_scenario(system)) == system
    assert parse_scenario(json.dumps(scenario_to_dict(system))) == system


def test_the_schema_has_every_key_and_its_meaning():
    schema = scenario_schema()
    assert list(schema["properties"]) == ["system", "devices", "channel", "arrivals", "learning", "edges"]
    assert schema["required"] == ["devices"]
    sections = schema["$defs"]
    assert set(sections["SystemSection"]["properties"]) == {*FULL["system"], "waiting_cost_j_per_s"}
    for part in (Channel, Arrivals, Learning, Device, Service):
        assert set(sections[part.__name__]["properties"]) == {field.name for field in fields(part)}
    for section in sections.values():
        assert section["additionalProperties"] is False
        assert all(value.get("description") for value in section["properties"].values())
