"""What the C library says of bad numbers, and how pkg-config finds it."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lyaopt import __version__
from lyaopt.installation import CAPI, c_library
from tests.kernels.test_sizes import make_batch
from tests.support.capi import (
    BAD_SIZE,
    BAD_VALUE,
    DEVICES,
    NOT_CERTIFIED,
    NULL,
    OK,
    QUEUES,
    SYSTEM,
    Call,
    load_library,
    pointer,
)

ROOT = Path(__file__).parents[2]
FIELDS = (*DEVICES[:-1], "channel_gain", *QUEUES)
pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture(scope="module")
def library():
    return load_library()


def explained(call: Call, size: int = 200) -> tuple[int, str]:
    text = ctypes.create_string_buffer(b"\x7f" * size, size + 1)
    sizes = [ctypes.c_int64(one) for one in [*call.sizes, 1][:3]]
    states = ctypes.byref(call.system), ctypes.byref(call.state)
    status = call.library.lyaopt_explain(*sizes, *states, text, ctypes.c_size_t(size))
    return status, text.value.decode()


@pytest.mark.parametrize("slot", [None, 1])
@pytest.mark.parametrize(
    ("bad", "shown"), [(np.nan, "nan"), (np.inf, "inf"), (-1.0, "-1"), (1e-320, "1e-320")]
)
def test_the_field_and_the_place_are_named(library, slot, bad, shown):
    """Of every array; and the status is that of a call, also where an odd number may be right."""
    for index, name in enumerate(FIELDS):
        call = Call(library, make_batch(3, slots=2), slot)
        place = call.inputs[index].size - 2
        call.inputs[index].flat[place] = bad
        status, text = explained(call)
        called = call()
        assert status == called or (status, called) == (OK, NOT_CERTIFIED)
        if status == BAD_VALUE:
            start = f"state.{name}[{place}]: "
            assert text.startswith(start) or name in ("max_power_w", "bandwidth_hz"), text
            assert text.startswith("state.")
            assert bad == 1e-320 or (text.startswith(start) and text.endswith(f"got {shown}"))
        else:
            assert text == "nothing is wrong"


def test_numbers_of_the_system_are_named(library):
    for name in (*SYSTEM, "edge_capacity_hz", "noise_psd_w_per_hz"):
        call = Call(library, make_batch(2, slots=2), 0)
        setattr(call.system, name, np.nan)
        positive = name in ("slot_duration_s", "noise_psd_w_per_hz")
        expected = f"system.{name}: expected a finite number {'>' if positive else '>='} 0, got nan"
        assert explained(call) == (BAD_VALUE, expected)


def test_sums_and_signals_are_named(library):
    call = Call(library, make_batch(2, slots=2), 0)
    call.inputs[FIELDS.index("edge_queue_cycles")][:] = 1e307
    assert explained(call)[1].startswith("state.edge_queue_cycles: the sum over the slot length")
    call = Call(library, make_batch(2, slots=2), 0)
    call.inputs[FIELDS.index("channel_gain")][1] = 1e300
    assert explained(call)[1].startswith("state.channel_gain[1]: the signal-to-noise ratio")
    call = Call(library, make_batch(2, slots=2), 0)
    call.inputs[FIELDS.index("bandwidth_hz")][1] = 0.0
    assert explained(call)[1].startswith("state.bandwidth_hz[1]: expected a finite number > 0, got 0")


def test_what_is_missing_is_named(library):
    call = Call(library, make_batch(2, slots=2), 0)
    call.state.channel_gain = pointer()
    assert explained(call) == (NULL, "state.channel_gain: is NULL")
    call.sizes[0] = 0
    assert explained(call)[0] == BAD_SIZE


def test_a_text_is_cut_to_its_size(library):
    call = Call(library, make_batch(2, slots=2), 0)
    assert explained(call) == (OK, "nothing is wrong")
    call.system.slot_duration_s = -1.0
    whole = explained(call)[1]
    for size in (1, 2, 9, 60):
        assert explained(call, size) == (BAD_VALUE, whole[: size - 1])
    assert (
        library.lyaopt_explain(2, 2, 1, ctypes.byref(call.system), ctypes.byref(call.state), None, 0)
        == BAD_VALUE
    )


def test_unusual_numbers_are_solved_too(library):
    """Beyond the range that the kernel of few services looks for, but right."""
    for name, value in (("channel_gain", 1e-70), ("cpu_capacity_hz", 1e70), ("local_queue_cycles", 1e-70)):
        call, plain = Call(library, make_batch(2, slots=2), 0), Call(library, make_batch(2, slots=2), 0)
        plain.certified = [None]
        for one in (call, plain):
            one.inputs[FIELDS.index(name)][...] = value
            assert one() == OK
            one.check_guards()
        for ours, theirs in zip(call.answers, plain.answers, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("devices", [1, 4, 9, 100])
def test_a_slot_has_no_less_room_than_a_batch_of_one(library, devices):
    for services in (1, 2, 3, 4, 5, 64):
        laid_out = devices * (9 * services + 12)
        kernel = library.lyaopt_batch_workspace(devices, services, 1) - devices
        assert library.lyaopt_slot_workspace(devices, services) >= laid_out + kernel


def _read_by_hand(*options: str) -> str:
    """What pkg-config answers, by the rules of its files: variables, then fields that use them."""
    values = {"pcfiledir": str(CAPI)}
    for line in (CAPI / "lyaopt.pc").read_text().splitlines():
        if match := re.match(r"(\w+)=(.*)$", line) or re.match(r"([\w.]+): *(.*)$", line):
            values[match[1]] = re.sub(r"\$\{(\w+)\}", lambda found: values[found[1]], match[2])
    fields = {"--modversion": "Version", "--cflags": "Cflags", "--libs": "Libs"}
    return " ".join(values[fields[option]] for option in options)


def _asked(*options: str) -> str:
    command = ["pkg-config", *options, "lyaopt"]
    environment = os.environ | {"PKG_CONFIG_PATH": str(CAPI)}
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout


BY_COMMAND = pytest.param(
    _asked, marks=pytest.mark.skipif(shutil.which("pkg-config") is None, reason="no pkg-config")
)


@pytest.mark.skipif(c_library()[0] is None, reason="the C library was not built")
@pytest.mark.parametrize("asked", [BY_COMMAND, _read_by_hand])
@pytest.mark.parametrize("example", ["slot.c", "weights.c", "prices.c"])
def test_pkg_config_compiles_the_examples(tmp_path, asked, example):
    """The folders of the library are those of the package itself where no core lies elsewhere."""
    assert asked("--modversion").strip() == __version__
    program, source = tmp_path / "example", ROOT / "examples" / "c" / example
    flags = asked("--cflags", "--libs").split()
    subprocess.run(["cc", str(source), *flags, "-o", str(program)], check=True)
    done = subprocess.run([program], capture_output=True, text=True)
    if example == "prices.c":  # which asks for a table
        assert (done.returncode, done.stderr[:7]) == (1, "prices:")
    else:
        assert (done.returncode, " gap " in done.stdout) == (0, True)
