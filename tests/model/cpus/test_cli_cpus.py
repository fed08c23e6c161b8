"""`lyaopt cpus`: documents in pipes, tables for people, and errors in one line; of CPUs and of radios."""

from __future__ import annotations

import json

import click
import pytest

from lyaopt.model.cpus import cpu_names, cpu_to_dict, load_cpu, parse_cpu
from lyaopt.model.radios import load_radio, parse_radio, radio_names
from lyaopt_cli.commands import cpus


def call(*arguments: str) -> int:
    return cpus.command.main(list(arguments), standalone_mode=False)


def refused(*arguments: str) -> str:
    with pytest.raises(click.ClickException) as caught:
        call(*arguments)
    assert caught.value.exit_code == 2
    message = caught.value.format_message()
    assert "\n" not in message
    return message


def test_the_list_names_every_cpu_once(capsysbinary):
    assert call("--json") == 0
    lines = [json.loads(line) for line in capsysbinary.readouterr().out.splitlines()]
    assert tuple(line["name"] for line in lines) == cpu_names() + radio_names()
    for line in lines[: len(cpu_names())]:
        shipped = load_cpu(line["name"])
        assert (line["points"], line["licence"]) == (len(shipped.points), shipped.licence)


@pytest.mark.parametrize("name", radio_names())
def test_one_radio_is_printed_as_it_is_read(name, capsysbinary):
    call(name, "--json")
    text = capsysbinary.readouterr().out
    assert parse_radio(text) == load_radio(name)
    assert text.count(b"\n") == 1
    call(name)
    shown = capsysbinary.readouterr().out.decode()
    radio = load_radio(name)
    assert f"{radio.radio.slope_w_per_mbps:.3g}" in shown
    assert radio.description in shown


@pytest.mark.parametrize("name", cpu_names())
def test_one_cpu_is_printed_as_it_is_read(name, capsysbinary):
    call(name, "--json")
    text = capsysbinary.readouterr().out
    assert parse_cpu(text) == load_cpu(name)
    assert text.count(b"\n") == 1


def test_tables_have_the_ranges_and_the_points(capsys):
    call()
    listed = capsys.readouterr().out
    assert all(name in listed for name in cpu_names() + radio_names())
    assert all(len(line.rstrip()) <= 80 for line in listed.splitlines() if "OR MIT" in line)
    row = next(line for line in listed.splitlines() if line.startswith("rk3399_a72"))
    assert row.split()[1:5] == ["9", "0.408-2.02", "0.114-1.37", "0.279-0.681"]
    call("rk3399_a72")
    shown = capsys.readouterr().out
    assert "2.02 GHz  1.37 W" in shown
    assert "one Cortex-A72 core" in shown
    assert "GPL-2.0+ OR MIT" in shown


def test_control_characters_in_names_are_escaped(capsys, tmp_path):
    path = tmp_path / "odd.json"
    odd = {**cpu_to_dict(load_cpu("rk3399_a72")), "name": "\x1b[2J[bold]"}
    path.write_text(json.dumps(odd))
    call(str(path))
    shown = capsys.readouterr().out
    assert "\x1b[2J" not in shown
    assert "x1b[2J[bold]" in shown


def test_bad_tables_are_refused_with_file_line_and_path(tmp_path):
    path = tmp_path / "bad.json"
    path.write_text('{"name": "x", "source": "y", "licence": "z",\n "points": [{"hz": 1, "power_w": -1}]}')
    expected = f"{path}:2: $.points[0].power_w: expected a finite number > 0, got -1"
    assert refused(str(path)) == expected
    assert "rk3399_a72" in refused("nosuch")
