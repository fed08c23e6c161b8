"""Numbers of new keys of scenarios that are finite, and yet beyond what can be computed."""

from __future__ import annotations

import pytest

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.model.device_energies import MeasuredRadio
from lyaopt.model.edges import Edge, Link
from lyaopt.model.system import ArrivalLaw, Device, Service, System
from lyaopt.policies import make_policy
from lyaopt.simulation import Simulator


def system_of(rate: float, law: ArrivalLaw) -> System:
    return System((Device(180.0, (Service("alexnet", arrival_rate_per_s=rate, arrivals=law),)),))


@pytest.mark.parametrize(
    ("rate", "law", "field"),
    [
        (1.0, {"kind": "periodic", "phase_s": 1e308}, "arrivals.phase_s"),
        (1.0, {"kind": "periodic", "phase_s": 1e19}, "arrivals.phase_s"),
        (1e-300, {"kind": "periodic"}, "arrival_rate_per_s"),
        (1e-320, {"kind": "periodic"}, "arrival_rate_per_s"),
        (1e300, {"kind": "periodic"}, "arrival_rate_per_s"),
        (1.0, {"kind": "on-off", "on_duration_s": 1e-8, "off_duration_s": 9.0}, "arrival_rate_per_s"),
    ],
)
def test_a_simulation_refuses_times_and_rates_that_it_cannot_count(rate, law, field):
    system = system_of(rate, ArrivalLaw(**law))
    with pytest.raises(ProblemError, match="expected") as error:
        Simulator(system, make_policy("middle", system))
    assert error.value.path == f"$.devices[0].services[0].{field}"


@pytest.mark.parametrize("law", [{"phase_s": 1e305}, {"length_s": 1e305}])
def test_a_simulation_refuses_recordings_that_are_too_far(law, tmp_path):
    (tmp_path / "times").write_text("1.0\n2.5\n")
    law = ArrivalLaw("replayed", times=str(tmp_path / "times"), **law)
    system = system_of(law.own_rate_per_s, law)
    with pytest.raises(ProblemError, match="expected"):
        Simulator(system, make_policy("middle", system))


@pytest.mark.parametrize(("on", "off"), [(1e308, 1e308), (1e-320, 1.0), (1.0, 1e308)])
def test_a_service_that_is_never_on_is_refused(on, off):
    with pytest.raises(ProblemError, match="expected at least 1e-09 of on and off together") as error:
        ArrivalLaw("on-off", on_duration_s=on, off_duration_s=off)
    assert error.value.path == "$.on_duration_s"


def device(**fields) -> Device:
    return Device(180.0, (Service("alexnet"),), **fields)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("distance", [1e308, 1e-320])
def test_links_out_of_range_are_refused_without_warnings_of_numpy(distance):
    with pytest.raises(ProblemError, match="expected a link where signal over noise") as error:
        System((device(edges=(Link("near", distance_m=distance),)),), edges=(Edge(1e9, id="near"),))
    assert error.value.path == "$.devices[0].edges[0]"


def test_too_many_edge_servers_are_refused_in_one_error():
    with pytest.raises(DocumentError) as error:
        System((device(),), edges=(Edge(1e9, id="same"),) * 1001)
    assert error.value.errors == (("$.edges", "expected from 1 to 1000 edge servers, got 1001"),)


def test_idle_powers_have_a_finite_sum():
    radio = MeasuredRadio(1e6, 1.0, idle_power_w=1e308)
    with pytest.raises(ProblemError, match="expected a finite sum") as error:
        System((device(radio=radio, idle_power_w=1e308),))
    assert error.value.path == "$.devices[0].idle_power_w"


def test_prices_take_an_edge_server_without_end():
    system = System((device(),), edges=(Edge(1e308), Edge(1e308)), waiting_cost_j_per_s=0.01)
    make_policy("price", system, slots=50, replications=1)


@pytest.mark.filterwarnings("error")
def test_prices_leave_an_edge_server_of_next_to_no_capacity():
    system = System((device(),), edge_capacity_hz=1e-320, waiting_cost_j_per_s=0.01)
    policy = make_policy("price", system, slots=50, replications=1)
    simulator = Simulator(system, policy)
    simulator.run(500)
    assert simulator.result().mean_transmit_energy_j == 0.0 < simulator.result().mean_local_energy_j
