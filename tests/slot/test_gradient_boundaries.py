"""`solution.gradient()` where an input is 0, so that V has one side only: the difference to that side."""

from typing import Any

import numpy as np
import pytest

import lyaopt
from tests.slot.test_gradient import SHAPE, VARIANTS, WEIGHTS, slot, total

WEAK = 1e-6  # the signal of a first channel: far from where the rate bends
# what an input of 0 is raised by: little beside its usual magnitude
STEPS = {
    "cpu_capacity_hz": 1e3,
    "edge_capacity_hz": 1e3,
    "max_power_w": 1e-9,
    "channel_gain": WEAK * 3e5 * 4e-21 / 0.3,
    "energy_coefficient": 1e-40,
    "energy_weight_local": 1e3,
    "energy_weight_transmit": 1e3,
    "local_queue_cycles": 1.0,
    "transmit_queue_bits": 3.0,
    "edge_queue_cycles": 1.0,
    "local_weight": 1.0,
    "transmit_weight": 1.0,
    "edge_weight": 1.0,
}
FIRST = {name: (0, 0) if name in (*WEIGHTS, *WEIGHTS.values()) else (0,) for name in STEPS}
FREE = {"energy_weight_transmit": 0.0}
DEAR = {"energy_weight_transmit": 1e20}


def with_first(fields: dict[str, Any], name: str, value: float) -> dict[str, Any]:
    """The fields with the first number of one of them, or its only one."""
    values = np.array(fields[name], dtype=float)
    if values.ndim == 0:
        return fields | {name: value}
    values[FIRST[name]] = value
    return fields | {name: values}


def assert_one_sided(fields: dict[str, Any], name: str) -> float:
    """Compare the first derivative by an input of 0 with a difference; return it."""
    at, step = with_first(fields, name, 0.0), STEPS[name]
    gradient = lyaopt.solve_slot(lyaopt.SlotProblem(**at)).gradient()
    found = float(np.ravel(getattr(gradient, name))[0])
    before = total(at)
    expected = (total(with_first(at, name, step)) - before) / step
    assert found == pytest.approx(expected, rel=3e-3, abs=1e-14 * abs(before) / step), name
    return found


def drawn(variant: str, seed: int, **changes: Any) -> dict[str, Any]:
    """Fields of the plain problems have weights of their own: V depends on a limit of 0 by them only."""
    rng = np.random.default_rng([7, seed])
    fields = slot(rng) | VARIANTS["weighted"](rng)
    return fields | VARIANTS[variant](rng) | changes


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("variant", ["weighted", "measured", "shared"])
@pytest.mark.parametrize("name", STEPS)
def test_an_input_of_zero_has_the_derivative_of_its_side(name: str, variant: str, seed: int) -> None:
    assert_one_sided(drawn(variant, seed), name)


@pytest.mark.parametrize("variant", ["weighted", "shared"])
def test_a_first_channel_has_a_derivative_where_energy_is_free(variant: str) -> None:
    fields = drawn(variant, 0, **FREE)
    found = assert_one_sided(fields, "channel_gain")
    # full power on the first signal, of which the heaviest service has all
    tau, noise = 0.01, 10 ** ((-174.0 - 30) / 10)
    most = tau * fields["transmit_weight"][0].max() * fields["max_power_w"][0] / (noise * np.log(2))
    assert found == pytest.approx(-most, rel=1e-9) if variant == "weighted" else -most < found < 0


@pytest.mark.parametrize("seed", range(3))
def test_a_first_power_has_a_derivative_with_shared_spectrum(seed: int) -> None:
    crowded = {"transmit_queue_bits": np.full(SHAPE, 1e6), "energy_weight_transmit": 1e9}
    assert assert_one_sided(drawn("shared", seed, **crowded), "max_power_w") < 0


SITUATIONS = {
    "able": {},
    "no capacity": {"cpu_capacity_hz": np.zeros(2), "edge_capacity_hz": 0.0},
    "no channel": {"channel_gain": np.zeros(2)},
    "no power": {"max_power_w": np.zeros(2)},
    "dear": DEAR,
    "free": FREE,
    "free, no channel": FREE | {"channel_gain": np.zeros(2)},
    "silent radios": {"radio": [(0.0, 0.2), (0.0, 0.2)]},
    "dear radios": {"radio": [(2e6, 0.2), (2e6, 0.2)], **DEAR},
    "radios": {"radio": [(2e6, 0.2), (2e6, 0.2)]},
    "tables": {"cpu_points": [[(2e8, 0.5), (1e9, 2.0)]] * 2, "energy_weight_local": 2e15},
}


@pytest.mark.parametrize("spectrum", ["split", "shared"])
@pytest.mark.parametrize("situation", SITUATIONS)
@pytest.mark.parametrize("name", WEIGHTS.values())
def test_an_empty_device_gains_of_its_first_work_what_exceeds_its_cost(
    name: str, situation: str, spectrum: str
) -> None:
    for seed in range(2):
        fields = drawn("weighted", seed, spectrum=spectrum, **SITUATIONS[situation])
        if (name, situation, spectrum) == ("transmit_queue_bits", "free", "shared"):
            continue  # the cost of a bit falls to 0 with the logarithm of the work: no difference sees it
        queue = np.array(fields[name])
        queue[0] = 0.0
        assert_one_sided(fields | {name: queue}, name)


@pytest.mark.parametrize(("power", "free"), [(0.2, False), (0.2, True), (0.0, False)])
def test_a_radio_waits_for_its_first_rate_where_that_is_free(power: float, free: bool) -> None:
    fields = drawn("weighted", 0, **(FREE if free else {}))

    def solved(rate: float) -> lyaopt.SlotSolution:
        return lyaopt.solve_slot(lyaopt.SlotProblem(**fields, radio=[(rate, power), None]))

    step = 10.0
    expected = (solved(step).objective.total - solved(0.0).objective.total) / step
    found = solved(0.0).gradient().radio_rate_bps[0]
    assert found == pytest.approx(expected, rel=1e-3, abs=1.0)
    assert (found < 0) == (free or not power)
