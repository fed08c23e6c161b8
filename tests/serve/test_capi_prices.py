"""The rule by prices in the C library: the bits of Python's, bad tables and states, and the example."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lyaopt import SlotProblem, solve_slot
from lyaopt._kernels.simulation.slow_channels import channel_states, update_levels
from lyaopt.installation import c_flags, c_libs
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import price_rule
from lyaopt.simulation import price_source, price_table
from lyaopt.simulation.layout import Layout
from tests.support.capi import BAD_VALUE, NULL, OK, SMALL_WORKSPACE, load_library
from tests.support.capi_prices import (
    BAD_BACKLOG,
    BAD_CHANNEL,
    BAD_CUT,
    BAD_HEAD_LEFT,
    BAD_HOLDING_COST,
    BAD_PRICE,
    BAD_ROW,
    BAD_TABLE,
    BAD_WAITING,
    PriceCall,
    integers,
    to_pointer,
)
from tests.support.priced_states import priced_states

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
BALANCED, SHADOWING = load_scenario("balanced"), load_scenario("shadowing")
UNEVEN = replace(
    BALANCED,
    devices=(*BALANCED.devices[:3], replace(BALANCED.devices[3], services=BALANCED.devices[3].services[:1])),
)
SYSTEMS = pytest.mark.parametrize(
    "system", [BALANCED, UNEVEN, SHADOWING], ids=["even", "uneven", "shadowing"]
)
COSTS = pytest.mark.parametrize("cost", [0.02, None], ids=["latency", "backlog"])


@pytest.fixture(scope="module")
def library():
    return load_library()


@pytest.fixture(scope="module")
def rule():
    return price_rule(BALANCED, 0.02, rounds=0)


def calls(library, system, rule, count):
    table, layout = price_table(rule, system), Layout.of(system, 1)
    states = priced_states(system, rule, count)
    for number in range(count):
        yield PriceCall(library, table, states, layout, number), tuple(part[..., number] for part in states)


@SYSTEMS
@COSTS
def test_weights_and_cuts_are_those_of_python_bit_for_bit(library, system, cost):
    rule = price_rule(system, cost, rounds=0)
    cuts = set()
    for call, state in calls(library, system, rule, 60):
        assert call.read() == OK
        assert (call.prices.devices, call.prices.states) == (4, rule.states)
        assert call.weigh() == call.choose() == OK
        call.check_guards()
        np.testing.assert_array_equal(call.found_weights, np.stack(rule.weights(system, *state)))
        np.testing.assert_array_equal(call.found_cuts, rule.points(system, *state))
        cuts.update(call.found_cuts.tolist())
    assert len(cuts) > 4


def test_queues_priced_apart_are_those_of_python(library):
    rule = price_rule(BALANCED, rounds=0, joint=False)
    for call, state in calls(library, BALANCED, rule, 20):
        assert call.read() == call.weigh() == OK
        np.testing.assert_array_equal(call.found_weights, np.stack(rule.weights(BALANCED, *state)))


def test_nothing_waits(library, rule):
    (call, _), *_ = calls(library, BALANCED, rule, 1)
    for array in (call.backlog, call.head_left, call.waiting):
        array[:] = 0  # what is left of no task does not matter
    call.channel_given = False
    assert call.read() == call.weigh() == call.choose() == OK
    assert not call.weights[1:-1].any()
    np.testing.assert_array_equal(call.found_cuts, rule.cuts.usual)


def test_states_of_channels_are_those_of_the_filter(library):
    rule, rng = price_rule(SHADOWING, 0.02, rounds=0), np.random.default_rng(2)
    call = PriceCall(library, price_table(rule, SHADOWING))
    assert call.read() == OK
    slow = rule.channel_arrays(Layout.of(SHADOWING, 1))
    levels, states = np.zeros(4), np.zeros(4, np.int64)
    found, channel = np.zeros(4), np.zeros(4, np.int64)
    seen = set()
    for _ in range(200):
        gain = np.exp(rule.slow.mean_log + rng.normal(scale=9.0, size=4)) * (rng.random(4) < 0.9)
        update_levels(gain, slow, levels)
        channel_states(levels, slow, states)
        arrays = (to_pointer(gain), to_pointer(found), to_pointer(channel, integers))
        assert library.lyaopt_track_channels(ctypes.byref(call.prices), *arrays) == OK
        np.testing.assert_array_equal(found, levels)
        np.testing.assert_array_equal(channel, states)
        seen.update(channel.tolist())
    assert len(seen) > 5
    gain[1] = np.nan
    assert library.lyaopt_track_channels(ctypes.byref(call.prices), *arrays) == BAD_CHANNEL
    np.testing.assert_array_equal(found, levels)


def places(system, rule):
    """Where the parts of a table start."""
    table, layout = price_table(rule, system), Layout.of(system, 1)
    items, rows, nodes = layout.rows * layout.devices, *rule.price.shape
    names = ("scalars", "holding", "scale", "row", "slope", "price", "integral", "mean_log", "amounts")
    counts = (16, 6, 3 * items, 2 * layout.devices, 2 * items, rows, rows * nodes, rows * nodes, 4)
    starts = dict(zip(names, np.cumsum(counts).tolist(), strict=True))
    points, choices = table[8], table[9]
    more = np.cumsum([starts["amounts"], 3 * items * points, items, items * choices, items])
    names = ("amounts", "alone", "tried", "edge_share", "delay_cost")
    return starts | dict(zip(names, more.astype(int).tolist(), strict=True))


BAD = [
    ("scalars", 0.0, BAD_TABLE),
    ("holding", -1.0, BAD_HOLDING_COST),
    ("holding", np.nan, BAD_HOLDING_COST),
    ("scale", 0.0, BAD_ROW),
    ("row", 8.0, BAD_ROW),
    ("row", 0.5, BAD_ROW),
    ("row", -1.0, BAD_ROW),
    ("slope", np.inf, BAD_PRICE),
    ("price", -1e-9, BAD_PRICE),
    ("price", np.nan, BAD_PRICE),
    ("integral", 1e9, BAD_PRICE),
    ("mean_log", 1.0, BAD_CHANNEL),
    ("amounts", np.inf, BAD_CUT),
    ("alone", 1e3, BAD_CUT),
    ("tried", -2.0, BAD_CUT),
    ("edge_share", 0.0, BAD_CUT),
    ("delay_cost", -1.0, BAD_CUT),
]


@pytest.mark.parametrize(("name", "value", "status"), BAD)
def test_a_bad_table_is_refused_by_the_name_of_what_is_bad(library, rule, name, value, status):
    call = PriceCall(library, price_table(rule, BALANCED))
    assert call.read() == OK
    call.table[places(BALANCED, rule)[name]] = value
    assert call.read() == status
    message = library.lyaopt_message(status).decode()
    assert "table of prices" in message or status == BAD_CHANNEL


@pytest.mark.parametrize("place", range(12))
@pytest.mark.parametrize("value", [np.nan, -1.0, 1e300, 2.5])
def test_a_wrong_size_is_refused(library, rule, place, value):
    call = PriceCall(library, price_table(rule, BALANCED))
    call.table[place] = value
    assert call.read() == BAD_TABLE


@pytest.mark.parametrize("kept", [0, 3, 16, 1000, -1])
def test_a_part_of_a_table_is_refused(library, rule, kept):
    table = price_table(rule, BALANCED)
    assert PriceCall(library, table[:kept].copy()).read() == BAD_TABLE
    whole = PriceCall(library, np.concatenate([table, np.zeros(3)]))
    assert whole.read() == BAD_TABLE
    assert PriceCall(library, table.byteswap()).read() == BAD_TABLE


@pytest.mark.parametrize(
    ("name", "value", "status"),
    [
        ("backlog", np.nan, BAD_BACKLOG),
        ("backlog", -1.0, BAD_BACKLOG),
        ("waiting", -1, BAD_WAITING),
        ("waiting", 2**60, BAD_WAITING),
        ("head_left", 0.0, BAD_HEAD_LEFT),
        ("head_left", np.inf, BAD_HEAD_LEFT),
        ("head_left", 1e-320, BAD_HEAD_LEFT),
        ("channel", 1, BAD_CHANNEL),
        ("channel", -1, BAD_CHANNEL),
    ],
)
def test_a_bad_state_is_refused_before_anything_is_written(library, rule, name, value, status):
    (call, _), *_ = calls(library, BALANCED, rule, 1)
    assert call.read() == OK
    call.waiting[:], call.head_left[:] = 1, 1e5
    getattr(call, name).flat[-1] = value
    assert call.weigh() == call.choose() == status
    call.check_nothing_written()


def test_arguments_that_are_missing(library, rule):
    (call, _), *_ = calls(library, BALANCED, rule, 1)
    assert library.lyaopt_read_prices(None, ctypes.c_size_t(5), ctypes.byref(call.prices)) == NULL
    assert library.lyaopt_price_weights(None, None, None) == NULL
    assert call.read() == OK
    call.room_size -= 1
    assert call.choose() == SMALL_WORKSPACE
    call.check_nothing_written()
    fixed = PriceCall(library, price_table(replace(rule, cuts=None), BALANCED))
    assert fixed.read() == OK
    call.prices = fixed.prices
    assert call.weigh() == OK
    assert call.choose() == BAD_CUT
    slow = price_rule(SHADOWING, 0.02, rounds=0)
    (call, _), *_ = calls(library, SHADOWING, slow, 1)
    call.channel_given = False
    assert call.read() == OK
    assert call.weigh() == call.choose() == NULL


def test_a_weight_beyond_double_precision_is_told(library, rule):
    (call, _), *_ = calls(library, BALANCED, price_rule(BALANCED, rounds=0), 1)
    call.waiting[:], call.head_left[:], call.backlog[:] = 1, 1e300, 1e300
    start = places(BALANCED, rule)["holding"]
    call.table[start : start + call.backlog.size] = 1e300
    assert call.read() == OK
    assert call.weigh() == BAD_VALUE


def test_the_source_in_c_has_the_bits_of_the_table(tmp_path, rule):
    table = price_table(rule, BALANCED)
    (tmp_path / "table.h").write_text(price_source(table, "balanced"))
    source = tmp_path / "dump.c"
    source.write_text(
        '#include "table.h"\n#include <stdio.h>\n'
        "int main(void) { return fwrite(balanced, sizeof balanced, 1, stdout) != 1; }\n"
    )
    compiler = shutil.which("cc")
    assert compiler is not None
    subprocess.run(
        [compiler, "-std=c99", "-pedantic", "-Werror", source, "-o", tmp_path / "dump"], check=True
    )
    dumped = subprocess.run([tmp_path / "dump"], check=True, capture_output=True).stdout
    assert dumped == table.tobytes()


def run_example(folder, table):
    compiler = shutil.which("cc")
    assert compiler is not None
    program, source = folder / "prices", ROOT / "examples" / "c" / "prices.c"
    strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    subprocess.run(
        [compiler, *strict, str(source), c_flags(), *c_libs().split(), "-o", str(program)], check=True
    )
    return subprocess.run([str(program), str(table)], capture_output=True, text=True)


def test_the_example_decides_as_python_does(tmp_path, rule):
    table = tmp_path / "prices.f64"
    table.write_bytes(price_table(rule, BALANCED).tobytes())
    done = run_example(tmp_path, table)
    assert done.returncode == 0, done.stderr
    waiting, head, backlog = np.zeros((3, 8), int), np.full((3, 8), np.inf), np.zeros((3, 8))
    waiting[0, 0], head[0, 0], backlog[0, 0] = 2, 3e7, 1e8
    waiting[1, 2], head[1, 2], backlog[1, 2] = 1, 2e5, 2e5
    waiting[2, 7], head[2, 7], backlog[2, 7] = 1, 4e7, 4e7
    local, transmit, edge = rule.weights(BALANCED, backlog, waiting, head)
    shape = (4, 2)
    problem = SlotProblem(
        BALANCED.slot_duration_s, BALANCED.energy_coefficient, 1.0, 1.0, BALANCED.edge_capacity_hz,
        BALANCED.cpu_capacity_hz, BALANCED.max_power_w, [2e-11] * 4, BALANCED.device_bandwidth_hz,
        *(part.reshape(shape) for part in backlog),
        noise_psd_dbm_per_hz=BALANCED.noise_psd_dbm_per_hz,
        local_weight=local.reshape(shape), transmit_weight=transmit.reshape(shape),
        edge_weight=edge.reshape(shape),
    )  # fmt: skip
    solution, cuts = solve_slot(problem), rule.points(BALANCED, backlog, waiting, head).reshape(shape)
    assert solution.local_cpu_hz[0, 0] > 0.0 < solution.rate_bps[1, 0]
    lines = [[float(word) for word in line.split()] for line in done.stdout.splitlines()]
    for m, line in enumerate(lines):
        rates = np.stack([solution.local_cpu_hz[m], solution.rate_bps[m], solution.edge_cpu_hz[m]], axis=1)
        expected = [m, *np.column_stack([rates, cuts[m]]).ravel()]
        np.testing.assert_allclose(line, expected, rtol=1e-15)
    assert len(lines) == 4


def test_the_example_names_what_is_wrong(tmp_path):
    table = tmp_path / "prices.f64"
    table.write_bytes(bytes(800))
    done = run_example(tmp_path, table)
    assert done.returncode == 1
    assert "no table of prices" in done.stderr
