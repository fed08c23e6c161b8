"""`lyaopt scenario`: shipped scenarios, and scenarios checked and written in full."""

from __future__ import annotations

import json

import pytest

from lyaopt.model.scenarios import (
    list_scenarios,
    load_scenario,
    parse_scenario,
    scenario_schema,
    scenario_text,
)
from lyaopt_cli.main import run


@pytest.mark.parametrize("name", list_scenarios())
def test_a_shipped_scenario_is_printed_with_its_comments(capsysbinary, name):
    assert run(["scenario", name]) == 0
    text = capsysbinary.readouterr().out
    assert text.startswith(b"# ")
    assert text.decode() == scenario_text(name)
    assert parse_scenario(text) == load_scenario(name)


def test_a_file_is_printed_in_full(capsysbinary, tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('[[devices]]\ndistance_m = 200\n[[devices.services]]\nmodel = "alexnet"\n')
    for arguments in ([], ["--json"]):
        assert run(["scenario", str(path), *arguments]) == 0
        text = capsysbinary.readouterr().out
        assert b"slots_per_period" in text
        assert parse_scenario(text) == load_scenario(path)
    assert text.count(b"\n") == 1


def test_names_are_listed(capsysbinary):
    assert run(["scenario", "--list"]) == 0
    assert capsysbinary.readouterr().out.decode().split() == list(list_scenarios())
    assert list_scenarios()[0] == "default"


@pytest.mark.parametrize("arguments", [[], ["default", "--list"]])
def test_one_of_name_and_list_is_needed(capsysbinary, arguments):
    assert run(["scenario", *arguments]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    assert b"--list" in captured.err


def test_bad_input_is_one_line_with_its_place(capsysbinary, tmp_path):
    path = tmp_path / "s.toml"
    path.write_text(scenario_text("default").replace("max_power_w = 0.3", "max_power_w = -1", 1))
    assert run(["scenario", str(path)]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    line = path.read_text().split("max_power_w = -1")[0].count("\n") + 1
    expected = f"{path}:{line}: $.devices[0].max_power_w: expected a finite number >= 0, got -1\n"
    assert captured.err.decode() == expected


def test_an_unknown_name_is_refused(capsysbinary, tmp_path):
    for name in ("defalt", str(tmp_path), "a\0b"):
        assert run(["scenario", name]) == 2
        captured = capsysbinary.readouterr()
        assert captured.out == b""
        assert len(captured.err.splitlines()) == 1


def test_the_schema_is_printed(capsysbinary):
    assert run(["schema", "scenario"]) == 0
    assert json.loads(capsysbinary.readouterr().out) == scenario_schema()
