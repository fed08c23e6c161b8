"""Errors from C name the field and the place: a program in C meets a bad number in every array."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from lyaopt.installation import c_flags, c_libs
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies import price_rule
from lyaopt.simulation import price_table
from lyaopt.simulation.layout import Layout
from tests.kernels.test_sizes import make_batch
from tests.support.capi import (
    BAD_SIZE,
    BAD_VALUE,
    NULL,
    OK,
    QUEUES,
    SYSTEM,
    WEIGHTS,
    Call,
    load_library,
    pointer,
)
from tests.support.capi_prices import (
    BAD_BACKLOG,
    BAD_CHANNEL,
    BAD_HEAD_LEFT,
    BAD_WAITING,
    PriceCall,
    to_pointer,
)
from tests.support.priced_states import priced_states

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
SOURCE = Path(__file__).with_name("places.c")
DEVICES, ITEMS, SLOTS = 3, 6, 5
HEAD = 16
SHADOWING = load_scenario("shadowing")
RULE = price_rule(SHADOWING, 0.02, rounds=0)


@pytest.fixture(scope="module")
def table():
    return price_table(RULE, SHADOWING)


def places_of(count: int) -> tuple[int, int, int]:
    return 0, count // 2, count - 1


def parts_of(table) -> dict[str, tuple[int, int]]:
    """Where each part of a table starts behind its head, and how many numbers it has."""
    layout, rule = Layout.of(SHADOWING, 1), RULE
    items, (rows, nodes) = layout.rows * layout.devices, rule.price.shape
    points, choices = int(table[8]), int(table[9])
    counts = {
        "scalars": 6, "holding": 3 * items, "scale": 2 * layout.devices, "row": 2 * items, "slope": rows,
        "price": rows * nodes, "integral": rows * nodes, "mean_log": layout.devices,
        "amounts": 3 * items * points, "alone": rule.states * items, "tried": items * choices,
        "edge_share": items, "delay_cost": items,
    }  # fmt: skip
    starts = np.cumsum([HEAD, *counts.values()]).tolist()
    assert starts.pop() == table.size
    return dict(zip(counts, zip(starts, counts.values(), strict=True), strict=True))


@pytest.fixture(scope="module")
def printed(tmp_path_factory, table) -> list[str]:
    folder = tmp_path_factory.mktemp("places")
    (folder / "prices.f64").write_bytes(table.tobytes())
    strict = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
    program = folder / "places"
    subprocess.run(["cc", *strict, SOURCE, c_flags(), *c_libs().split(), "-o", program], check=True)
    places = [*range(HEAD)]
    for start, count in parts_of(table).values():
        places += [start + place for place in places_of(count)]
    command = [program, folder / "prices.f64", *map(str, places)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def numbers(shown: str, slots: int) -> Iterator[str]:
    """What is said of a bad number in each field of a state and a system, which no field may have."""
    rows = ("cpu_capacity_hz", "max_power_w", "bandwidth_hz")
    counts = dict.fromkeys(rows, DEVICES) | {"channel_gain": DEVICES * slots}
    counts |= dict.fromkeys((*QUEUES, *WEIGHTS), ITEMS * slots)
    for name, count in counts.items():
        bound = ">" if name == "bandwidth_hz" else ">="
        for place in places_of(count):
            yield f"state.{name}[{place}]: expected a finite number {bound} 0, got {shown}"
    for name in (*SYSTEM, "edge_capacity_hz", "noise_psd_w_per_hz"):
        bound = ">" if name in ("slot_duration_s", "noise_psd_w_per_hz") else ">="
        yield f"system.{name}: expected a finite number {bound} 0, got {shown}"


def test_every_field_of_a_slot_and_a_batch_is_named_with_its_place(printed):
    expected = [
        f"{BAD_VALUE} {BAD_VALUE} {said}"
        for shown in ("nan", "inf", "-1")
        for slots in (1, 1, SLOTS)
        for said in numbers(shown, slots)
    ]
    assert printed[: len(expected)] == expected


def of_prices(printed: list[str]) -> list[str]:
    return printed[sum(1 for slots in (1, 1, SLOTS) for _ in numbers("", slots)) * 3 :]


def test_every_field_of_what_waits_is_named_with_its_place(printed):
    layout = Layout.of(SHADOWING, 1)
    expected = []
    for status, said in (
        (BAD_BACKLOG, "waiting.backlog[{}]: expected a finite number >= 0, got nan"),
        (
            BAD_HEAD_LEFT,
            "waiting.head_left[{}]: expected a finite number > 0 where tasks wait, ",
        ),
        (BAD_WAITING, "waiting.waiting[{}]: expected 0 to 2^53 tasks, got -1"),
    ):
        places = places_of(3 * layout.rows * layout.devices)
        expected += [f"{status} {status} {said.format(place)}" for place in places]
    for m in (0, (layout.devices - 1) // 2, layout.devices - 1):
        for said in (
            f"waiting.channel[{m}]: expected a state of the table, got {RULE.states}",
            f"gain[{m}]: expected a finite number >= 0, got nan",
            f"level[{m}]: expected a finite number, got inf",
        ):
            expected.append(f"{BAD_CHANNEL} {BAD_CHANNEL} {said}")
    found = of_prices(printed)[: len(expected)]
    assert all(line.startswith(start) for line, start in zip(found, expected, strict=True)), found


def test_numbers_of_a_table_are_named_with_their_places(printed, table):
    """The 16 numbers at its head by their names, those of parts by the place in the part."""
    names = [f"{name}[{i}]" for name, (_, count) in parts_of(table).items() for i in places_of(count)]
    lines = of_prices(printed)[-HEAD - len(names) :]
    for line, name in zip(lines[HEAD:], names, strict=True):
        called, explained, said = line.split(" ", 2)
        assert called == explained != "0"
        assert said.startswith(f"table.{name}: expected ")
        assert said.endswith(", got nan")
    heads = [line.split(" ", 2)[2].partition(":")[0] for line in lines[:HEAD]]
    assert len(set(heads)) == HEAD
    assert heads[2:5] == ["table.length", "table.devices", "table.services"]


def said_of(library, call, *args) -> tuple[int, str]:
    text = ctypes.create_string_buffer(200)
    status = getattr(library, f"lyaopt_explain{call}")(*args, text, ctypes.c_size_t(200))
    return status, text.value.decode()


def test_sizes_and_missing_arrays_are_named():
    library = load_library()
    call = Call(library, make_batch(2, slots=2))
    system, state = ctypes.byref(call.system), ctypes.byref(call.state)
    for place, name in enumerate(("devices", "services", "slots")):
        sizes = [ctypes.c_int64(2)] * 3
        sizes[place] = ctypes.c_int64(-4)
        assert said_of(library, "", *sizes, system, state) == (
            BAD_SIZE,
            f"{name}: expected at least 1, got -4",
        )
    huge = [ctypes.c_int64(2**40)] * 3
    status, said = said_of(library, "", *huge, system, state)
    assert (status, said.partition(":")[0]) == (BAD_SIZE, "devices * services * slots")
    sizes = [ctypes.c_int64(size) for size in call.sizes]
    assert said_of(library, "", *sizes, None, state) == (NULL, "system: is NULL")
    assert said_of(library, "", *sizes, system, None) == (NULL, "state: is NULL")
    for name in ("cpu_capacity_hz", "channel_gain", *QUEUES):
        call = Call(library, make_batch(2, slots=2))
        setattr(call.state, name, pointer())
        state = ctypes.byref(call.state)
        assert said_of(library, "", *sizes, system, state) == (NULL, f"state.{name}: is NULL")


def test_missing_arrays_of_an_allocation_are_named():
    library = load_library()
    call = Call(library, make_batch(2, slots=2))
    assert said_of(library, "_allocation", None) == (NULL, "allocation: is NULL")
    allocation = ctypes.byref(call.allocation)
    assert said_of(library, "_allocation", allocation) == (OK, "nothing is wrong")
    for name, _ in reversed(call.allocation._fields_):  # the first that is missing
        setattr(call.allocation, name, pointer())
        assert said_of(library, "_allocation", allocation) == (NULL, f"allocation.{name}: is NULL")


def test_what_is_missing_of_prices_is_named(table):
    library = load_library()
    call = PriceCall(library, table, priced_states(SHADOWING, RULE, 1), Layout.of(SHADOWING, 1))
    assert call.read() == OK
    prices = ctypes.byref(call.prices)
    assert said_of(library, "_waiting", prices, call._waiting) == (OK, "nothing is wrong")
    assert said_of(library, "_waiting", None, call._waiting) == (NULL, "prices: is NULL")
    assert said_of(library, "_waiting", prices, None) == (NULL, "waiting: is NULL")
    call.channel_given = False
    assert said_of(library, "_waiting", prices, call._waiting) == (NULL, "waiting.channel: is NULL")
    assert said_of(library, "_gains", prices, None, None) == (NULL, "gain: is NULL")
    size = ctypes.c_size_t(table.size)
    assert said_of(library, "_table", None, size) == (NULL, "table: is NULL")
    assert said_of(library, "_table", to_pointer(call.table), size) == (OK, "nothing is wrong")
    short = said_of(library, "_table", to_pointer(call.table), ctypes.c_size_t(table.size - 1))
    assert short[1].startswith("table.length: expected as many doubles as there are, got ")
    few = said_of(library, "_table", to_pointer(call.table), ctypes.c_size_t(3))
    assert few[1] == "table: expected at least 16 doubles, got 3"


def test_integrals_that_fall_and_rows_beyond_the_table_are_named(table):
    library = load_library()
    (row, rows), (integral, _) = parts_of(table)["row"], parts_of(table)["integral"]
    items, (tables, nodes) = rows // 2, RULE.price.shape
    for place, value, said in (
        (integral + nodes + 3, 0.0, f"table.integral[{nodes + 3}]: expected no less than the one before"),
        (row + 1, tables, "table.row[1]: expected a row of the table"),
        (row + items, tables - 1, f"table.row[{items}]: expected the first row of all states"),
    ):
        call = PriceCall(library, table.copy())
        call.table[place] = value
        status, found = said_of(library, "_table", to_pointer(call.table), ctypes.c_size_t(table.size))
        assert found.startswith(said)
        assert status == call.read()
