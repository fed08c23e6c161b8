"""Edge servers and links in scenarios."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt import ProblemError, load_scenario
from lyaopt.model.edges import Edge, Link
from lyaopt.model.scenarios import format_scenario, parse_scenario
from lyaopt.model.settings import Channel
from lyaopt.model.system import Device, MeasuredRadio, Service, System

TEXT = """
[[edges]]
id = "near"
capacity_hz = 2e9

[[edges]]
id = "far"
capacity_hz = 1e9

[[devices]]
id = "phone"
distance_m = 180.0
services = [{model = "resnet18"}]

[[devices.edges]]
edge = "far"
distance_m = 220.0
gain_factor = 0.5

[[devices]]
id = "glasses"
distance_m = 200.0
services = [{model = "mobilenetv2"}]
"""


def test_a_scenario_of_two_servers():
    system = parse_scenario(TEXT)
    links, channel = system.links, system.channel
    assert links.edge_ids == ("near", "far")
    np.testing.assert_array_equal(links.capacity_hz, [2e9, 1e9])
    np.testing.assert_array_equal(links.reached, [[False, True], [True, True]])
    expected = 0.5 * channel.mean_gain(220.0), channel.mean_gain(200.0)
    np.testing.assert_allclose(links.mean_gain, [[0.0, expected[1]], expected], rtol=1e-15)
    np.testing.assert_array_equal(links.nearest, [1, 0])
    assert parse_scenario(format_scenario(system)) == system


def test_without_edges_there_is_one_link():
    system = load_scenario("balanced")
    assert "edges" not in format_scenario(system)
    np.testing.assert_array_equal(system.links.mean_gain, system.mean_channel_gain()[None])
    np.testing.assert_array_equal(system.links.capacity_hz, [system.edge_capacity_hz])


@pytest.mark.parametrize(
    ("old", "new", "path", "reason"),
    [
        ('edge = "far"', 'edge = "fra"', "$.devices[0].edges[0].edge", 'one of near, far; got "fra"'),
        ('id = "far"', 'id = "near"', "$.edges[1].id", 'duplicate id "near" of an edge'),
        ("capacity_hz = 1e9", "capacity_hz = -1.0", "$.edges[1].capacity_hz", "a finite number >= 0"),
        ("capacity_hz = 1e9", "", "$.edges[1].capacity_hz", "missing"),
        ("capacity_hz = 1e9", "capacity_hz = 1e9\nspeed = 1", "$.edges[1].speed", "unknown key"),
        (
            "gain_factor = 0.5",
            "gain_factor = 0.0",
            "$.devices[0].edges[0].gain_factor",
            "a finite number > 0",
        ),
        ("gain_factor = 0.5", "gain_factor = 1e300", "$.devices[0].edges[0]", "signal over noise"),
        (
            "[[edges]]",
            "[channel]\nwalk_m_per_sqrt_s = 1.0\n[[edges]]",
            "$.channel.walk_m_per_sqrt_s",
            "do not move",
        ),
        ("[[edges]]", '[system]\nspectrum = "shared"\n[[edges]]', "$.system.spectrum", 'expected "split"'),
    ],
)
def test_mistakes_are_named(old, new, path, reason):
    with pytest.raises(ProblemError) as caught:
        parse_scenario(TEXT.replace(old, new, 1))
    assert caught.value.path == path
    assert reason in str(caught.value)


def device(**fields) -> Device:
    return Device(200.0, (Service("alexnet"),), **fields)


@pytest.mark.parametrize(
    ("system", "path"),
    [
        (lambda: System((device(edges=(Link("edge-0"),)),)), "$.devices[0].edges"),
        (lambda: System((device(),), edges=()), "$.edges"),
        (lambda: System((device(edges=()),), edges=(Edge(1e9),)), "$.devices[0].edges"),
        (
            lambda: System((device(edges=(Link("edge-0"),) * 2),), edges=(Edge(1e9),)),
            "$.devices[0].edges[1].edge",
        ),
        (lambda: System((device(radio=MeasuredRadio(1e6, 1.0)),), edges=(Edge(1e9),)), "$.devices[0].radio"),
    ],
)
def test_systems_that_are_none(system, path):
    with pytest.raises(ProblemError) as caught:
        system()
    assert caught.value.path == path


def test_channel_settings_that_links_may_have():
    channel = Channel(shadowing_std_db=6.0, fading_correlation=0.5)
    assert replace(parse_scenario(TEXT), channel=channel).links.edge_ids == ("near", "far")
