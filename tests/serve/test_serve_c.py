"""The C header of the frames, and the client of the example."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lyaopt import solve_slot
from lyaopt.installation import CAPI, c_flags
from lyaopt.serve import frames
from lyaopt.slot.byte_solver import bytes_of
from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.solution_documents import solution_to_dict
from tests.support.capi import SERVICES_OUT
from tests.support.solver_server import running

ROOT = Path(__file__).parents[2]
STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


def build(source: Path, program: Path) -> Path:
    subprocess.run(["cc", *STRICT, str(source), c_flags(), "-o", str(program)], check=True)
    return program


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    source = ROOT / "examples" / "c" / "serve_client.c"
    return build(source, tmp_path_factory.mktemp("client") / "client")


def test_the_example_prints_the_answer_of_the_command(client, tmp_path):
    with running(tmp_path, "--log-level", "debug") as server:
        done = subprocess.run([client, server.path, "100"], check=True, capture_output=True, text=True)
    *devices, last = done.stdout.splitlines()
    problem = parse_slot_document((ROOT / "examples" / "slot.json").read_bytes())
    expected = solution_to_dict(solve_slot(problem))
    for line, device in zip(devices, expected["devices"], strict=True):
        numbers = [float(word) for word in line.split()[1:]]
        allocation = [service[name] for service in device["services"] for name in SERVICES_OUT]
        np.testing.assert_array_equal(numbers, [device["cpu_hz"], device["power_w"], *allocation])
    assert float(last.split()[1]) == expected["objective"]["total"]
    assert float(last.split()[3]) < 1e-12


def test_the_example_says_that_nobody_is_there(client, tmp_path):
    done = subprocess.run([client, str(tmp_path / "none")], capture_output=True, text=True)
    assert done.returncode == 2
    assert "where a server listens" in done.stderr


LAYOUT = """
#include <lyaopt_serve.h>
#include <stddef.h>
#include <stdio.h>
#define FIELD(type, name) printf(#type "." #name " %d\\n", (int)offsetof(type, name))
#define SIZE(type) printf(#type " %d\\n", (int)sizeof(type))
int main(void)
{
    SIZE(lyaopt_frame); SIZE(lyaopt_hello); SIZE(lyaopt_greeting); SIZE(lyaopt_configuration);
    SIZE(lyaopt_sizes); SIZE(lyaopt_solution_summary);
    FIELD(lyaopt_frame, version); FIELD(lyaopt_frame, kind); FIELD(lyaopt_frame, status);
    FIELD(lyaopt_frame, number); FIELD(lyaopt_frame, deadline_ns); FIELD(lyaopt_frame, length);
    FIELD(lyaopt_frame, zero); FIELD(lyaopt_greeting, clock_ns); FIELD(lyaopt_greeting, lyaopt);
    FIELD(lyaopt_configuration, slot_duration_s); FIELD(lyaopt_configuration, noise_psd_dbm_per_hz);
    printf("rows %d\\n", LYAOPT_SOLUTION_ROWS);
    return 0;
}
"""


def test_the_header_has_the_layout_of_the_server(tmp_path):
    source = tmp_path / "layout.c"
    source.write_text(LAYOUT)
    done = subprocess.run([build(source, tmp_path / "layout")], check=True, capture_output=True, text=True)
    found = {name: int(place) for name, place in map(str.split, done.stdout.splitlines())}
    assert found == {
        "lyaopt_frame": frames.HEADER_BYTES,
        "lyaopt_hello": frames.HELLO_REQUEST.size,
        "lyaopt_greeting": frames.HELLO_ANSWER.size,
        "lyaopt_configuration": frames.SYSTEM.size,
        "lyaopt_sizes": frames.SIZES.size,
        "lyaopt_solution_summary": bytes_of(0, 0)[2],
        "lyaopt_frame.version": 4,
        "lyaopt_frame.kind": 5,
        "lyaopt_frame.status": 6,
        "lyaopt_frame.number": 8,
        "lyaopt_frame.deadline_ns": 16,
        "lyaopt_frame.length": 24,
        "lyaopt_frame.zero": 28,
        "lyaopt_greeting.clock_ns": 16,
        "lyaopt_greeting.lyaopt": 24,
        "lyaopt_configuration.slot_duration_s": 8,
        "lyaopt_configuration.noise_psd_dbm_per_hz": 48,
        "rows": (bytes_of(1, 0)[2] - bytes_of(0, 0)[2]) // 8,
    }


def test_the_header_has_the_numbers_of_the_server():
    header = (CAPI / "lyaopt_serve.h").read_text()
    numbers = {name: int(value, 0) for name, value in re.findall(r"LYAOPT_FRAME_(\w+) = (\w+)", header)}
    names = (*map(str.upper, frames.KINDS.values()), "ANSWER")
    assert {name: numbers.pop(name) for name in names} == {name: getattr(frames, name) for name in names}
    assert numbers == {name: getattr(frames, name) for name in numbers}
    statuses = {value: word.upper().replace("-", "_") for value, word in frames.STATUSES.items()}
    assert statuses == {value: name for name, value in numbers.items()}
    assert f'#define LYAOPT_FRAME_MAGIC "{frames.MAGIC.decode()}"\n' in header
    assert f"#define LYAOPT_FRAME_VERSION {frames.HIGHEST_VERSION}\n" in header


def test_the_header_is_c_plus_plus_too(tmp_path):
    source = tmp_path / "size.cpp"
    source.write_text("#include <lyaopt_serve.h>\nint main() { return sizeof(lyaopt_frame) != 32; }\n")
    command = ["c++", *STRICT[1:], str(source), c_flags(), "-o", str(tmp_path / "size")]
    subprocess.run(command, check=True)
    subprocess.run([tmp_path / "size"], check=True)
