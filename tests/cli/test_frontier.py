"""`lyaopt frontier`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from lyaopt.policies import policy_names, registry
from lyaopt_cli.main import run

BRIEF = ["--replications", "2", "--slots", "200", "--warmup", "0", "--waiting-costs", "0.01,0.1"]
COMMAND = ["frontier", "default", "--policy", "middle", *BRIEF]


@pytest.fixture(autouse=True)
def short_searches(monkeypatch):
    """Searched policies with very short searches."""
    for name in filter(registry.is_searched, policy_names()):
        monkeypatch.setitem(registry._POLICIES, name, shortly(registry._POLICIES[name]))


def shortly(make):
    def made(system, options, *, waiting_cost_j_per_s=None):
        brief = replace(options, slots=50, replications=2, budget=20_000)
        own = {} if waiting_cost_j_per_s is None else {"waiting_cost_j_per_s": waiting_cost_j_per_s}
        return make(system, brief, **own)

    return made


def test_json_has_the_bound_the_curve_and_the_points(capsysbinary):
    assert run([*COMMAND, "--policy", "3,1,5,8,6,2,4,1", "--json"]) == 0
    document = json.loads(capsysbinary.readouterr().out)
    assert [point["policy"] for point in document["policies"]] == ["middle", "fixed"]
    assert [point["waiting_cost_j_per_s"] for point in document["curves"]["price"]] == [0.01, 0.1]
    assert len(document["bound"]["latency_s"]) == len(document["bound"]["energy_j"]) > 10


def test_a_pipe_gets_a_table(capsysbinary):
    assert run(COMMAND) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "…" not in text
    assert "\x1b" not in text
    rows = [line.split()[0] for line in text.splitlines() if line.strip()]
    assert rows.count("price") == 2
    assert "middle" in rows
    assert "LB3" in text


def test_the_default_policies_are_points(capsysbinary):
    assert run(["frontier", "default", *BRIEF, "--json"]) == 0
    found = [point["policy"] for point in json.loads(capsysbinary.readouterr().out)["policies"]]
    assert found == ["middle", "all-local", "all-offload", "best-fixed", "greedy"]


def test_a_picture_appears_whole_or_not_at_all(tmp_path, capsysbinary):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "frontier.svg"
    assert run([*COMMAND, "--plot", str(picture)]) == 0
    assert picture.read_text().rstrip().endswith("</svg>")
    assert run([*COMMAND, "--plot", str(tmp_path / "no" / "p.svg")]) == 2
    assert run([*COMMAND, "--plot", str(tmp_path / "p.gif")]) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["frontier.svg"]
    assert capsysbinary.readouterr().err.decode().count("\n") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--policy", "nobody"], "nobody"),
        (["--policy", "middle", "--policy", "middle"], "different names"),
        (["--waiting-costs", "0.1,0"], "different numbers > 0"),
        (["--waiting-costs", "0.1,0.1"], "different numbers > 0"),
        (["--waiting-costs", "a"], "different numbers > 0"),
        (["--waiting-costs", "nan"], "different numbers > 0"),
        (["--rule", "greedy"], "greedy"),
        (["--slots", "0"], "--slots"),
    ],
)
def test_bad_input_is_one_line(capsysbinary, words, message):
    assert run(["frontier", "default", *BRIEF, *words]) == 2
    captured = capsysbinary.readouterr()
    assert captured.out == b""
    (line,) = captured.err.decode().splitlines()
    assert message in line
