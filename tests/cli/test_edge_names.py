"""Names of edge servers on a terminal."""

from __future__ import annotations

from lyaopt_cli.main import run

SCENARIO = """
[[edges]]
capacity_hz = 1e9
id = "near\\u001b[31m\\n"
[[devices]]
distance_m = 180.0
services = [{model = "alexnet"}]
"""


def test_control_characters_of_edge_servers_are_shown_as_escapes(tmp_path, capsys):
    (tmp_path / "s.toml").write_text(SCENARIO)
    assert run(["simulate", str(tmp_path / "s.toml"), "--slots", "10"]) == 0
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "Edge     near\\x1b[31m\\" in printed
