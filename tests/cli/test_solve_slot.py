"""`lyaopt solve-slot` for one document."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import lyaopt.slot.solve
import lyaopt_cli.support.input_files
from lyaopt.errors import SolverError
from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.schemas import DOCUMENTS
from lyaopt.slot.solution import Objective
from lyaopt.slot.solution_documents import format_solution, solution_to_dict
from lyaopt.slot.solve import solve_slot
from lyaopt.verify import cvxpy_reference
from lyaopt_cli.main import run
from lyaopt_cli.tables import solution as tables
from lyaopt_cli.tables.layout import name_text, quantity
from tests.support.slot_text import (
    EXAMPLE,
    GENERAL,
    example,
    on_a_terminal,
    printed,
    use_stdin,
    weighted,
    with_literal,
    with_repeated,
)

TEXT = json.dumps(EXAMPLE)


# --- the answer


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_file_gives_its_solution_document(slot_file, capsysbinary, arguments):
    assert run(["solve-slot", str(slot_file), *arguments]) == 0
    out, err = printed(capsysbinary)
    assert out == format_solution(solve_slot(parse_slot_document(TEXT))) + b"\n"
    assert err == []


@pytest.mark.parametrize("method", ["exact", "bisection"])
def test_the_method_reaches_the_solver(slot_file, capsysbinary, monkeypatch, method):
    asked = []
    monkeypatch.setattr(
        lyaopt.slot.solve, "solve_slot", lambda *given: asked.append(given[1]) or solve_slot(*given)
    )
    for options in ([], ["--stream"]):
        assert run(["solve-slot", *options, str(slot_file), "--method", method]) == 0
        expected = format_solution(solve_slot(parse_slot_document(TEXT), method))
        assert printed(capsysbinary)[0] == expected + b"\n"
    assert asked == [method] * 2


def test_the_spectrum_of_the_document_can_be_replaced(slot_file, capsysbinary):
    for document, kinds in ((EXAMPLE, ["shared", "split"]), (GENERAL, ["split", "shared"])):
        slot_file.write_text(json.dumps(document))
        for kind in kinds:
            for options in ([], ["--stream"]):
                assert run(["solve-slot", *options, str(slot_file), "--spectrum", kind]) == 0
                answer = json.loads(printed(capsysbinary)[0])
                problem = parse_slot_document(json.dumps(document))
                assert answer == solution_to_dict(solve_slot(problem, "exact", kind))
                assert ("spectrum" in answer) == (kind == "shared")


@pytest.mark.parametrize("arguments", [["-"], []])
def test_standard_input_is_read(capsysbinary, monkeypatch, arguments):
    use_stdin(monkeypatch, TEXT.encode())
    assert run(["solve-slot", *arguments]) == 0
    assert json.loads(printed(capsysbinary)[0])["status"] == "optimal"


def test_nothing_is_awaited_from_a_keyboard(capsysbinary, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    assert run(["solve-slot"]) == 2
    out, err = printed(capsysbinary)
    assert out == b""
    assert err == ["lyaopt solve-slot: Missing argument 'FILE|-' (see lyaopt solve-slot --help)"]


@pytest.mark.parametrize(
    "devices", [[], [EXAMPLE["devices"][0] | {"services": []}]], ids=["devices", "services"]
)
def test_no_devices_or_services_give_an_empty_answer(capsysbinary, monkeypatch, devices):
    use_stdin(monkeypatch, json.dumps(example() | {"devices": devices}).encode())
    assert run(["solve-slot", "-"]) == 0
    document = json.loads(printed(capsysbinary)[0])
    DOCUMENTS["solution"].model_validate(document)
    assert [device["services"] for device in document["devices"]] == [[]] * len(devices)
    assert document["objective"]["total"] == 0


# --- on a terminal


def test_a_terminal_gets_a_table(slot_file):
    lines = on_a_terminal("solve-slot", str(slot_file)).splitlines()
    assert all(len(line) <= 100 for line in lines)
    row = next(line for line in lines if line.lstrip().startswith("camera"))
    problem = parse_slot_document(TEXT)
    solution = solve_slot(problem)
    assert quantity(solution.local_cpu_hz[0].sum(), "Hz") in row
    assert quantity(solution.rate_bps[0].sum(), "bit/s") in row
    assert quantity(solution.power_w[0], "W") in row
    assert any(kind in row for kind in ("backlog", "capacity", "energy"))
    assert "…" not in row
    assert sum(line.lstrip().startswith(("camera", "phone")) for line in lines) == 2 + 3
    assert any(line.startswith("Certificate") and "relative gap" in line for line in lines)
    assert not any(line.startswith("CVXPY") for line in lines)


def test_a_terminal_with_few_characters_gets_a_table(tmp_path, monkeypatch):
    document = example()
    document["devices"][0]["id"] = "h\u00f6rger\u00e4t"
    path = tmp_path / "slot.json"
    path.write_text(json.dumps(document))
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    assert r"h\xf6rger\xe4t" in on_a_terminal("solve-slot", str(path))


def test_a_terminal_gets_json_with_the_option(slot_file):
    assert json.loads(on_a_terminal("solve-slot", "--json", str(slot_file)))["status"] == "optimal"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 W"), (1.5e9, "1.5 GW"), (0.3, "300 mW"), (1.0, "1 W"), (999.0, "999 W"), (1000.0, "1 kW"),
        (1e-30, "1e-18 pW"), (1e20, "1e+08 TW"), (1.23456e-5, "12.3 µW"), (999.96, "1 kW"),
        (999.4, "999 W"), (999e-6, "999 µW"),
    ],
)  # fmt: skip
def test_quantities_are_written_with_prefixes(value, text):
    assert quantity(value, "W") == text


def test_names_cannot_control_the_terminal():
    assert name_text("a\x1b[2J\n").plain == r"a\x1b[2J\n"
    assert name_text("[red]é").plain == "[red]é"


# --- bad usage and input: status 2 and one line


def refused(capsysbinary: Any, *arguments: str) -> str:
    assert run(arguments) == 2
    out, err = printed(capsysbinary)
    assert out == b""
    assert len(err) == 1
    return err[0]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (with_literal(("devices", 1, "channel_gain"), "-3"), "1: $.devices[1].channel_gain: expected"),
        (with_literal(("slot_duration_s",), "0", indent=1), "2: $.slot_duration_s: expected"),
        (with_repeated(("bandwidth_hz",)), "1: $.bandwidth_hz: duplicate key"),
        ("{\n\n", "3: $: expected JSON, got a syntax error"),
        ("", "1: $: expected JSON, got a syntax error"),
        ("[" * 100_000, "1: $: expected at most a few nested brackets"),
        ("[]", "1: $: expected an object, got a list"),
    ],
    ids=range(7),
)  # fmt: skip
def test_a_bad_document_is_one_line_with_its_place(tmp_path, capsysbinary, monkeypatch, text, place):
    path = tmp_path / "bad.json"
    path.write_text(text)
    assert refused(capsysbinary, "solve-slot", str(path)).startswith(f"{path}:{place}")
    use_stdin(monkeypatch, text.encode())
    assert refused(capsysbinary, "solve-slot", "-", "--json").startswith(f"<stdin>:{place}")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path, capsysbinary):
    missing = tmp_path / "missing.json"
    assert refused(capsysbinary, "solve-slot", str(missing)) == f"{missing}: No such file or directory"
    assert (
        refused(capsysbinary, "solve-slot", "--stream", str(missing))
        == f"{missing}: No such file or directory"
    )
    assert refused(capsysbinary, "solve-slot", str(tmp_path)) == f"{tmp_path}: Is a directory"
    assert refused(capsysbinary, "solve-slot", str(tmp_path / "a\nb")).endswith(
        "a b: No such file or directory"
    )
    assert refused(capsysbinary, "solve-slot", "\x1b[2Jx") == r"\x1b[2Jx: No such file or directory"
    assert "not empty" in refused(capsysbinary, "solve-slot", "")


def test_a_large_file_is_refused_before_it_is_read_whole(slot_file, capsysbinary, monkeypatch):
    monkeypatch.setattr(lyaopt_cli.support.input_files, "MAX_FILE_BYTES", len(TEXT) - 1)
    assert refused(capsysbinary, "solve-slot", str(slot_file)).endswith(
        f"at most {len(TEXT) - 1} bytes, got more"
    )
    monkeypatch.setattr(lyaopt_cli.support.input_files, "MAX_FILE_BYTES", len(TEXT))
    assert run(["solve-slot", str(slot_file)]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--nonsense"], "lyaopt: No such option '--nonsense'"),
        (["nonsense"], "lyaopt: No such command 'nonsense'"),
        ([], "lyaopt: Missing command"),
        (["solve-slot", "--method", "x", "-"], "lyaopt solve-slot: Invalid value for '--method'"),
        (["solve-slot", "a", "b"], "lyaopt solve-slot: Got unexpected extra argument"),
        (["check", "--instances", "0"], "lyaopt check: Invalid value for '--instances'"),
        (["schema"], "lyaopt schema: Missing argument"),
        (["schema", "x"], "lyaopt schema: Invalid value"),
    ],
)
def test_bad_usage_is_one_line(capsysbinary, arguments, message):
    line = refused(capsysbinary, *arguments)
    assert line.startswith(message)
    assert line.endswith("--help)")


# --- --check


def test_check_adds_the_optimum_of_cvxpy(slot_file, capsysbinary):
    assert run(["solve-slot", "--check", str(slot_file)]) == 0
    check = json.loads(printed(capsysbinary)[0])["check"]
    assert set(check) == {"solver", "objective", "relative_difference"}
    assert set(check["objective"]) == {"local", "transmit", "edge", "total"}
    assert abs(check["relative_difference"]) < 1e-6


def test_a_shared_spectrum_is_checked_as_such(tmp_path, capsysbinary):
    document = example()
    document["devices"][0]["services"][1]["transmit_queue_bits"] = 2e6
    (tmp_path / "slot.json").write_text(json.dumps(document))
    found = {}
    for spectrum in ("split", "shared"):
        arguments = ["--check", "--json", "--spectrum", spectrum, str(tmp_path / "slot.json")]
        assert run(["solve-slot", *arguments]) == 0
        found[spectrum] = json.loads(printed(capsysbinary)[0])
        ours, theirs = found[spectrum]["objective"], found[spectrum]["check"]["objective"]
        assert theirs["transmit"] == pytest.approx(ours["transmit"], rel=1e-6)
    shared, split = (found[spectrum]["objective"]["transmit"] for spectrum in ("shared", "split"))
    assert shared < 1.01 * split < 0


@pytest.mark.parametrize(("theirs", "difference"), [(-2.0, 0.5), (-0.5, -1.0), (-1.0, 0.0)])
def test_the_difference_is_positive_where_cvxpy_is_better(
    slot_file, capsysbinary, monkeypatch, theirs, difference
):
    ours = solve_slot(parse_slot_document(TEXT)).objective.total
    found = SimpleNamespace(solver="X", objective=Objective(theirs * abs(ours), 0.0, 0.0))
    monkeypatch.setattr(cvxpy_reference, "solve_reference", lambda problem: found)
    assert run(["solve-slot", "--check", str(slot_file)]) == 0
    check = json.loads(printed(capsysbinary)[0])["check"]
    assert check["relative_difference"] == pytest.approx(difference)


def test_a_solver_that_fails_is_reported_with_our_solution(slot_file, capsysbinary, monkeypatch):
    def fail(problem: Any) -> Any:
        raise SolverError("local problem of device 0", "X", "infeasible")

    monkeypatch.setattr(cvxpy_reference, "solve_reference", fail)
    assert run(["solve-slot", "--check", str(slot_file)]) == 1
    document = json.loads(printed(capsysbinary)[0])
    assert document["status"] == "optimal"
    assert "infeasible" in document["check"]["error"]


@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_check_without_cvxpy_names_the_extra(slot_file, capsysbinary, monkeypatch, stream):
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    assert "pip install 'lyaopt[check]'" in refused(
        capsysbinary, "solve-slot", "--check", str(slot_file), *stream
    )


# --- what limits a device


@pytest.mark.parametrize(
    ("changes", "limit"),
    [
        ({}, "capacity"),
        ({"weight": 1e30}, "energy"),
        ({"queue": 1e3}, "backlog"),
        ({"queue": 0}, "idle"),
        ({"capacity": 0}, "capacity"),
        ({"queue": 0, "capacity": 0}, "idle"),
    ],
)
def test_the_table_shows_what_limits_each_pool(changes, limit):
    document = example()
    device = document["devices"][1]
    document["energy_weight_local"] = document["energy_weight_transmit"] = changes.get("weight", 0.0)
    queue = changes.get("queue", 1e12)
    device["services"][0] |= {"local_queue_cycles": queue, "transmit_queue_bits": queue}
    if "capacity" in changes:
        device |= {"cpu_capacity_hz": 0.0, "channel_gain": 0.0}
    solution = solve_slot(parse_slot_document(json.dumps(document)))
    assert tables.local_limits(solution)[1] == limit
    assert tables.transmit_limits(solution)[1] == limit


def test_the_table_shows_what_goes_beyond_the_paper(capsysbinary):
    def table(document: dict[str, Any]) -> str:
        solution = solve_slot(parse_slot_document(json.dumps(document)))
        tables.print_solution(solution, solution_to_dict(solution))
        return str(capsysbinary.readouterr().out.decode())

    words = ("Weights ", "CPU tables ", "Radios ", "Spectrum ", "band")
    assert [word in table(GENERAL) for word in words] == [True] * 5
    assert [word in table(weighted()) for word in words] == [True, False, False, False, False]
    assert not any(word in table(EXAMPLE) for word in words)


def test_the_table_shows_who_is_outbid_for_the_spectrum():
    document = example() | {"spectrum": "shared"}
    for device, gain in zip(document["devices"], (2.5e-10, 1e-12), strict=True):
        device["channel_gain"] = gain
        device["services"][0]["transmit_queue_bits"] = 1e7
    solution = solve_slot(parse_slot_document(json.dumps(document)))
    assert solution.power_w[1] < solution.problem.max_power_w[1]
    assert solution.rate_bps[1].sum() * 0.01 < 1e7
    assert tables.transmit_limits(solution)[1] == "spectrum"
    split = solve_slot(solution.problem, spectrum="split")
    assert "spectrum" not in tables.transmit_limits(split)


@pytest.mark.parametrize(
    ("hz", "rate", "limits"),
    [
        (1e6, 1e3, ("capacity", "capacity")),
        (1e20, 1e20, ("backlog", "backlog")),
        (1e6, 0.0, ("capacity",) * 2),
    ],
)
def test_the_table_knows_the_ends_of_tables_and_radios(hz, rate, limits):
    document = example() | {"energy_weight_local": 0.0, "energy_weight_transmit": 0.0}
    document["devices"][1] |= {
        "cpu_points": [{"hz": hz, "power_w": 0.1}],
        "radio": {"rate_bps": rate, "power_w": 0.1},
        "cpu_capacity_hz": 1e20,
        "channel_gain": 0.0,
    }
    solution = solve_slot(parse_slot_document(json.dumps(document)))
    assert (tables.local_limits(solution)[1], tables.transmit_limits(solution)[1]) == limits


@pytest.mark.parametrize(("capacity", "limit"), [(1e7, "capacity"), (1e12, "backlog"), (0, "capacity")])
def test_the_table_shows_what_limits_the_edge(capacity, limit):
    solution = solve_slot(parse_slot_document(json.dumps(example() | {"edge_capacity_hz": capacity})))
    assert tables.edge_limit(solution) == limit


def test_a_table_has_a_largest_number_of_rows(capsysbinary, monkeypatch):
    monkeypatch.setattr(tables, "_MOST_ROWS", 2)
    solution = solve_slot(parse_slot_document(TEXT))
    tables.print_solution(solution, solution_to_dict(solution))
    assert capsysbinary.readouterr().out.decode().count("more: see --json") == 1
