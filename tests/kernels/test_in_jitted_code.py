"""The kernels called from a user's compiled loop, as docs/howto/use-kernels-in-jitted-code.md shows it."""

import re
from pathlib import Path

import numpy as np
import pytest

import lyaopt.kernels
from lyaopt._kernels.toolchain.jit import CORE, Kernel

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLE = DOCS / "howto" / "use-kernels-in-jitted-code.md"
TABLE = DOCS / "reference" / "kernels.md"


@pytest.mark.skipif(CORE == "python", reason="jitted code needs the compiled core")
def test_the_documented_example_empties_the_queues():
    (code,) = re.findall(r"```python\n(.*?)```", EXAMPLE.read_text(), re.DOTALL)
    scope = {}
    exec(code, scope)
    queue = np.array([[3.1e7, 0.0, 5e6], [1.2e7, 4e6, 5e6]])
    total = queue.sum(axis=0)
    slots = scope["serve_until_empty"](queue, np.full(3, 1.5e9), 0.01, 0.0, 1e-28)
    assert not queue.any()
    assert slots == int(np.ceil(total.max() / 1.5e7))


@pytest.mark.skipif(CORE == "python", reason="jitted code needs the compiled core")
def test_random_streams_in_jitted_code():
    import numba

    from lyaopt._kernels.simulation.channel import draw_gains
    from lyaopt._kernels.simulation.traffic import draw_arrivals
    from lyaopt.model.scenarios import load_scenario
    from lyaopt.simulation.streams import make_streams

    @numba.njit
    def draw(keys, start, lanes, options, laws, state, drawn):
        (gain, distance, mean), (channel, busy), (gains, arrivals) = lanes, state, drawn
        draw_gains(keys, start, gain, distance, options, channel, gains)
        draw_arrivals(keys, start, mean, options, laws, busy, arrivals)

    streams = make_streams(load_scenario("bursty"), 3, range(5))
    gains, arrivals = np.empty((40, 20)), np.empty((40, 2, 20), np.int64)
    for start in range(0, 40, 10):
        draw(
            streams.keys,
            start,
            (streams.lane_gain, streams.lane_distance, streams.mean),
            streams.options,
            streams.laws,
            (streams.channel_state, streams.busy),
            (gains[start : start + 10], arrivals[start : start + 10]),
        )
    np.testing.assert_array_equal(streams.draw_gains(0, 40), gains)
    np.testing.assert_array_equal(streams.draw_arrivals(0, 40), arrivals)
    assert arrivals.any()


def test_the_documented_table_has_every_kernel_and_no_other():
    table = TABLE.read_text().partition("| kernel |")[2].partition("\n\n")[0]
    first_column = " ".join(row.split("|")[1] for row in table.splitlines()[2:])
    public = {name: getattr(lyaopt.kernels, name) for name in lyaopt.kernels.__all__}
    kernels = sorted(name for name, value in public.items() if isinstance(value, Kernel))
    assert sorted(re.findall(r"`(\w+)`", first_column)) == kernels


def test_the_documented_tuples_are_those_of_the_kernels():
    table = TABLE.read_text().partition("| tuple |")[2].partition("\n\n")[0]
    documented = {}
    for row in table.splitlines()[2:]:
        _, name, fields, _ = row.split("|")
        documented[name.strip(" `")] = tuple(re.findall(r"`(\w+)`", fields))
    public = [getattr(lyaopt.kernels, name) for name in lyaopt.kernels.__all__ if name != "SlotView"]
    assert documented == {group.__name__: group._fields for group in public if hasattr(group, "_fields")}


def test_the_documented_fields_of_a_view_are_all():
    table = TABLE.read_text().partition("| field | |")[2].partition("\n\n")[0]
    first_column = " ".join(row.split("|")[1] for row in table.splitlines()[2:])
    assert tuple(re.findall(r"`(\w+)`", first_column)) == lyaopt.kernels.SlotView._fields
