"""What `lyaopt train` says: before a search, between updates, and when its start was never beaten."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace

import pytest

from lyaopt.learning import best_checkpoint
from lyaopt.learning.training import Training
from lyaopt_cli.main import run
from lyaopt_cli.support import training_progress

SHORT = ["train", "balanced", "--preset", "tuned", "--replications", "2"]


def errors(capfd):
    return capfd.readouterr().err.splitlines()


def test_it_says_what_it_will_do_and_how_far_it_is(capfd, tmp_path):
    out = ["--out", str(tmp_path / "a")]
    assert run([*SHORT, "--episodes", "60", *out]) == 0
    first, *lines = errors(capfd)
    assert re.fullmatch(r"lyaopt train: lyappo: \d+ updates with \d+ decisions of 2 replications", first)
    total = int(re.search(r"(\d+) updates", first)[1])
    log = [json.loads(line) for line in (tmp_path / "a" / "log.ndjson").read_text().splitlines()]
    assert log[-1]["update"] == total
    assert int(re.search(r"(\d+) decisions", first)[1]) == log[-1]["decisions"]
    said = [int(re.match(rf"lyaopt train: update (\d+) of {total}: return -?\d", line)[1]) for line in lines]
    assert said[0] == 1
    assert said[-1] == total
    assert len(said) <= 12
    for line in lines:
        update = int(re.search(r"update (\d+)", line)[1])
        assert f"return {log[update - 1]['return']:.1f}, " in line


def test_a_finished_training_has_nothing_to_do(capfd, tmp_path):
    out = ["--out", str(tmp_path / "a")]
    assert run([*SHORT, "--episodes", "2", *out]) == 0
    errors(capfd)
    assert run(["train", "balanced", "--resume", *out]) == 0
    (line,) = errors(capfd)
    assert "0 updates after the first" in line


def test_the_search_is_announced_before_it_begins(capsys):
    config = SimpleNamespace(updates=5, rollout=10, replications=2, start="table")
    training_progress.announce(SimpleNamespace(config=config, learner=SimpleNamespace(done=0)), "lyappo")
    assert capsys.readouterr().err == (
        "lyaopt train: lyappo: searches a start (table), which may take minutes, and imitates it, "
        "then 5 updates with 100 decisions of 2 replications\n"
    )


@pytest.mark.parametrize(
    ("checks", "kept"), [([], None), ([0.0, 0.0], True), ([0.0, 1.0], False), ([1.0, 0.0], False)]
)
def test_a_start_that_was_never_beaten_is_known_from_the_whole_log(tmp_path, checks, kept):
    lines = [{"update": 1, "return": 1.0}, *({"update": 2, "is_best": check} for check in checks)]
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(line) + "\n" for line in lines))
    training = SimpleNamespace(folder=SimpleNamespace(path=tmp_path))
    assert Training._kept_start(training) is kept


def test_the_summary_says_that_the_start_was_kept(capfd, tmp_path, monkeypatch):
    monkeypatch.setattr(best_checkpoint, "_SLOTS", 200)
    monkeypatch.setattr(best_checkpoint, "_REPLICATIONS", 4)
    words = ["train", "default", "--preset", "best", "--allocation", "price", "--replications", "2"]
    assert run([*words, "--episodes", "2", "--out", str(tmp_path / "a"), "--json"]) == 0
    printed = capfd.readouterr()
    document = json.loads(printed.out)
    log = [json.loads(line) for line in (tmp_path / "a" / "log.ndjson").read_text().splitlines()]
    checks = [line["is_best"] for line in log if "is_best" in line]
    assert checks
    assert document["kept_start"] is (max(checks) == 0.0)
    assert run(["train", "default", "--resume", "--out", str(tmp_path / "a")]) == 0
    text = capfd.readouterr().out
    assert ("no network of the training cost less" in text) == document["kept_start"]
