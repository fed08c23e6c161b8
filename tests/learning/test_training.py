"""Trainings in folders: their files, and resuming."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from lyaopt.learning.algorithms import stored_configuration

torch = pytest.importorskip("torch")

from lyaopt.errors import FolderLockedError, ProblemError  # noqa: E402
from lyaopt.learning import (  # noqa: E402
    DivergedError,
    best_checkpoint,
    imitation,
    load_policy,
)
from lyaopt.learning.algorithms import ALGORITHMS  # noqa: E402
from lyaopt.learning.checkpoints import format_checkpoint, parse_checkpoint  # noqa: E402
from lyaopt.learning.continuous import nearest_cuts  # noqa: E402
from lyaopt.learning.run_folder import CHECKPOINT, LOG, RUN, RunFolder  # noqa: E402
from lyaopt.learning.start_training import begin, resume  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402
from lyaopt.simulation.policy import Observation  # noqa: E402
from lyaopt_cli.commands import train as train_command  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402
from lyaopt_cli.support.training import progress_shown  # noqa: E402

SYSTEM = load_scenario("balanced")
BRIEF = {
    "episodes": 12,
    "replications": 4,
    "decisions_per_episode": 10,
    "rollout": 5,
    "minibatch": 10,
    "hidden_units": 8,
}
TIMES = ("collect_s", "environment_s", "learn_s")


@pytest.fixture(autouse=True)
def _brief(monkeypatch):
    torch.set_num_threads(1)
    for module, name, few in (
        (best_checkpoint, "_SLOTS", 300),
        (imitation, "_SLOTS", 100),
        (imitation, "_STEPS", 20),
    ):
        monkeypatch.setattr(module, name, few)


def train(path, stop_after=None, algorithm="lyappo", **changes):
    """Begin a training or resume it, up to an update."""
    folder = RunFolder(path)
    with folder.locked():
        if folder.has_document:
            training = resume(folder, SYSTEM, algorithm)
        else:
            training = begin(folder, SYSTEM, algorithm, **BRIEF, **changes)
        return training.run(lambda line: line["update"] != stop_after)


def log_of(path):
    lines = [json.loads(line) for line in (path / LOG).read_text().splitlines()]
    return [{key: value for key, value in line.items() if key not in TIMES} for line in lines]


# The replay buffer of the last one holds one of the three episodes.
DDPG = {"algorithm": "ddpg", "warmup": 10, "replay": 40}
# Checks come after updates 3 and 6.
BEST = {"preset": "best", "checks": 2, "critic_first": 2}
ALL = [{"preset": "paper"}, {"preset": "tuned"}, BEST, DDPG]
IDS = ["paper", "tuned", "best", "ddpg"]


@pytest.mark.parametrize("options", ALL, ids=IDS)
@pytest.mark.parametrize("stops", [(2,), (3,), (1, 5)])
def test_a_stopped_training_continues_bit_for_bit(tmp_path, options, stops):
    """Stopped at the end of an episode, within one, and in the first."""
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert train(whole, **options).finished
    for stop in stops:
        assert not train(broken, stop, **options).finished
    assert train(broken, **options).finished
    assert log_of(whole) == log_of(broken)
    assert [line["update"] for line in log_of(whole)] == [1, 2, 3, 4, 5, 6]
    expected, _ = RunFolder(whole).load_checkpoint()
    found, _ = RunFolder(broken).load_checkpoint()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_finished_training_does_no_further_updates(tmp_path):
    train(tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes()
    assert train(tmp_path).last is None
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_damaged_checkpoints_are_refused():
    tensors = {"a": torch.arange(5.0), "b": torch.ones(2, 2, dtype=torch.int64)}
    content = format_checkpoint(tensors, {"round": 3})
    found, document = parse_checkpoint(content)
    assert document["round"] == 3
    assert all(torch.equal(tensors[name], found[name]) for name in tensors)
    for length in range(len(content)):
        with pytest.raises(ProblemError, match="damaged"):
            parse_checkpoint(content[:length])
    for place in range(len(content)):
        spoilt = bytearray(content)
        spoilt[place] ^= 1
        with pytest.raises(ProblemError):
            parse_checkpoint(bytes(spoilt))


def test_a_checkpoint_belongs_to_its_run(tmp_path):
    train(tmp_path / "a", seed=1)
    train(tmp_path / "b", seed=2)
    os.replace(tmp_path / "a" / CHECKPOINT, tmp_path / "b" / CHECKPOINT)
    with pytest.raises(ProblemError, match="expected a checkpoint of the run"):
        load_policy(tmp_path / "b")


def test_a_second_training_in_the_folder_is_refused(tmp_path):
    first = RunFolder(tmp_path)
    with (
        first.locked(),
        pytest.raises(FolderLockedError, match="another training"),
        RunFolder(tmp_path).locked(),
    ):
        pass
    with RunFolder(tmp_path).locked():
        pass


def test_losses_that_are_not_finite_leave_the_checkpoint(tmp_path):
    train(tmp_path, 2)
    before = (tmp_path / CHECKPOINT).read_bytes()
    folder = RunFolder(tmp_path)
    with folder.locked():
        training = resume(folder, SYSTEM, "lyappo")
        step = training.environment.step

        def spoilt(points):
            over = step(points)
            training.environment.parts[1, 2] = np.nan
            return over

        training.environment.step = spoilt
        with pytest.raises(DivergedError, match=r"update 3: .* \(episode 5\)"):
            training.run()
    assert (tmp_path / CHECKPOINT).read_bytes() == before


def test_the_policy_has_the_same_observations_in_simulation_and_training(tmp_path):
    train(tmp_path)
    folder = RunFolder(tmp_path)
    policy = load_policy(tmp_path)
    with folder.locked():
        systems = resume(folder, SYSTEM, "lyappo").environment
    for _ in range(3):
        decided = policy.decide(Observation(systems._state, 0)).points
        features = policy.network.normalised(torch.from_numpy(systems.observation))
        np.testing.assert_array_equal(decided, policy.network.points(features).mode().T)
        systems.step(np.ascontiguousarray(decided.T))


def test_a_ddpg_policy_has_the_same_observations_in_simulation_and_training(tmp_path):
    train(tmp_path, **DDPG)
    policy = load_policy(tmp_path)
    with RunFolder(tmp_path).locked():
        learner = resume(RunFolder(tmp_path), SYSTEM, "ddpg").learner
    systems = learner.environment._systems
    for _ in range(3):
        decided = policy.decide(Observation(systems._state, 0)).points
        with torch.no_grad():
            features = learner.network.normalised(torch.from_numpy(systems.observation))
            actions = learner.network.action(features).numpy()
        np.testing.assert_array_equal(decided, nearest_cuts(actions, systems.first_choice, systems.choices).T)
        learner.environment.step(actions)


def test_a_policy_for_other_services_is_refused(tmp_path):
    train(tmp_path, preset="tuned")
    fewer = replace(SYSTEM, devices=SYSTEM.devices[:2])
    with pytest.raises(ProblemError, match="trained for other services"):
        load_policy(tmp_path).decide(SimpleNamespace(system=fewer, replications=1))


ARGUMENTS = ["train", "balanced", "--episodes", "2", "--replications", "2", "--seed", "5"]
TUNED = ["--preset", "tuned"]


def test_the_command_knows_all_algorithms():
    (option,) = (option for option in train_command.command.params if option.name == "algorithm")
    assert list(option.type.choices) == list(ALGORITHMS)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_the_command_trains_and_its_policy_is_simulated(tmp_path, capsysbinary, algorithm):
    out = str(tmp_path / "run")
    more = [] if algorithm == "ddpg" else TUNED
    assert run([*ARGUMENTS, *more, "--algorithm", algorithm, "--out", out, "--json"]) == 0
    summary = json.loads(capsysbinary.readouterr().out)
    assert summary["finished"]
    assert summary["decisions"] == 400
    assert json.loads((tmp_path / "run" / RUN).read_text())["seed"] == 5
    assert run(["simulate", "balanced", "--policy", out, "--slots", "100", "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["policy"] == algorithm
    # The folder stores the algorithm.
    assert run(["train", "balanced", "--out", out, "--resume", "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["algorithm"] == algorithm


@pytest.mark.parametrize(
    ("more", "part"),
    [
        ([], "holds a training"),
        (["--resume", "--episodes", "3"], "$.episodes: expected 2"),
        (["--resume", "--preset", "paper"], "$.preset: expected 'tuned'"),
        (["--resume", "--algorithm", "ddpg"], "$.algorithm: expected 'lyappo'"),
    ],
)
def test_bad_usage_is_one_line(tmp_path, capsysbinary, more, part):
    out = str(tmp_path / "run")
    run([*ARGUMENTS, *TUNED, "--out", out])
    capsysbinary.readouterr()
    assert run([*ARGUMENTS, "--out", out, *more]) == 2
    answer = capsysbinary.readouterr()
    assert answer.out == b""
    assert part in answer.err.decode()
    assert answer.err.count(b"\n") == 1


@pytest.mark.parametrize("more", [[], ["--resume"]])
def test_a_preset_of_what_has_none_is_refused(tmp_path, capsysbinary, more):
    arguments = [*ARGUMENTS, "--algorithm", "ddpg", "--out", str(tmp_path / "run")]
    if more:
        run(arguments)
        capsysbinary.readouterr()
    assert run([*arguments, *more, "--preset", "paper"]) == 2
    answer = capsysbinary.readouterr()
    assert answer.out == b""
    assert b"$.preset: expected none, as ddpg has no presets; got 'paper'" in answer.err
    assert answer.err.count(b"\n") == 1


@pytest.mark.parametrize("options", ALL, ids=IDS)
def test_the_bar_shows_what_every_algorithm_logs(tmp_path, monkeypatch, options):
    train(tmp_path, **options)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with progress_shown(6, 0) as show:
        for line in map(json.loads, (tmp_path / LOG).read_text().splitlines()):
            show(line)


def test_another_scenario_is_refused_on_resumption(tmp_path, capsysbinary):
    out = str(tmp_path / "run")
    run([*ARGUMENTS, *TUNED, "--out", out])
    assert run(["train", "paper", "--out", out, "--resume"]) == 2
    assert b"$.scenario" in capsysbinary.readouterr().err


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_leaves_a_checkpoint(tmp_path, number, status):
    arguments = ["train", "balanced", *TUNED, "--json", "--out", str(tmp_path)]
    command = [sys.executable, "-m", "lyaopt_cli", *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while process.poll() is None and not ((tmp_path / LOG).exists() and (tmp_path / LOG).stat().st_size):
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate()
    assert process.returncode == status
    assert all(
        line.startswith((b"lyaopt train: lyappo: ", b"lyaopt train: update ")) for line in err.splitlines()
    )
    assert not json.loads(out)["finished"]
    assert load_policy(tmp_path).name == "lyappo"


def test_a_folder_of_an_older_schema_is_refused_by_name(tmp_path):
    """Its configuration has keys that no constructor takes."""
    (tmp_path / "run.json").write_text('{"schema_version": 1, "config": {"systems": 4}}')
    with pytest.raises(ProblemError, match=r"\$\.schema_version: .*expected schema version 2, got 1"):
        load_policy(tmp_path)


def test_unknown_settings_of_a_stored_training_are_named():
    with pytest.raises(ProblemError, match=r"^\$\.config: expected the settings of lyappo.*strange"):
        stored_configuration({"algorithm": "lyappo", "config": {"strange": 1}})
