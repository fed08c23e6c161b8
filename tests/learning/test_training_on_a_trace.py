"""Trainings on one part of a trace, which are judged on the other."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lyaopt.errors import ProblemError  # noqa: E402
from lyaopt.learning import best_checkpoint, imitation, load_policy  # noqa: E402
from lyaopt.learning.ranges import Ranges  # noqa: E402
from lyaopt.learning.run_folder import RUN, RunFolder  # noqa: E402
from lyaopt.learning.start_training import begin, resume  # noqa: E402
from lyaopt.learning.stored_rules import rule_tensors, stored_rule  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402
from lyaopt.policies import SearchOptions, price_rule  # noqa: E402
from lyaopt.simulation import Trace, complete_trace, divide, simulate, state  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402
from lyaopt_cli.support import judgement  # noqa: E402

SYSTEM = load_scenario("default")
SLOTS = 600
BRIEF = {"episodes": 4, "replications": 4, "decisions_per_episode": 10, "rollout": 5, "hidden_units": 8}
TRAININGS = {
    "paper": {"preset": "paper", "minibatch": 10},
    "best": {"preset": "best", "minibatch": 10, "checks": 2, "critic_first": 1},
    "best-fixed": {"preset": "best", "minibatch": 10, "checks": 1, "start": "best-fixed"},
    "price": {"preset": "best", "minibatch": 10, "checks": 1, "critic_first": 1, "allocation": "price"},
    "joint": {"algorithm": "ppo-joint", "preset": "paper", "minibatch": 10},
    "ddpg": {"algorithm": "ddpg", "warmup": 5, "replay": 40},
}


@pytest.fixture(autouse=True)
def _brief(monkeypatch):
    torch.set_num_threads(1)
    few = ((best_checkpoint, "_SLOTS", 200), (imitation, "_STEPS", 20), (imitation, "_PERIODS", 20))
    for module, name, value in few:
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(judgement, "_RUNS", {"replications": 3, "slots": 60, "warmup": 10, "workers": 1})


def recorded(part=None, factor=0.3):
    """A trace; in one of its halves, if that is named, the gains are multiplied."""
    rng = np.random.default_rng(4)
    arrivals, gain = rng.poisson(0.02, (SLOTS, 8)), 3e-11 * rng.exponential(size=(SLOTS, 4))
    if part is not None:
        gain[slice(SLOTS // 2) if part == "first" else slice(SLOTS // 2, None)] *= factor
    return {"arrivals": arrivals, "channel_gain": gain}


def parts(part=None, search_slots=None):
    return divide(Trace(**recorded(part)), SYSTEM, search_slots)


def train(path, trace, stop_after=None, algorithm="lyappo", **changes):
    """Begin a training or resume it, up to an update; return its tensors."""
    folder = RunFolder(path)
    with folder.locked():
        if folder.has_document:
            training = resume(folder, SYSTEM, algorithm, trace=trace)
        else:
            training = begin(folder, SYSTEM, algorithm, trace=trace, **BRIEF, **changes)
        training.run(lambda line: line["update"] != stop_after)
    return RunFolder(path).load_checkpoint()[0]


def same(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("options", TRAININGS.values(), ids=TRAININGS)
def test_the_judged_part_has_no_part_in_the_training(tmp_path, options):
    found = train(tmp_path / "a", parts(), **options)
    assert same(found, train(tmp_path / "b", parts("second"), **options))
    assert not same(found, train(tmp_path / "c", parts("first"), **options))


@pytest.mark.parametrize("options", TRAININGS.values(), ids=TRAININGS)
def test_all_that_a_training_simulates_is_the_searched_part(tmp_path, monkeypatch, options):
    """Episodes, the search for a start, its lessons and the checks."""
    seen, trace = [], parts()
    advance = state.State.advance

    def spy(self, *arguments):
        seen.append(self._trace)
        return advance(self, *arguments)

    monkeypatch.setattr(state.State, "advance", spy)
    train(tmp_path, trace, **options)
    assert seen
    for replayed in seen:
        assert replayed is not None
        held = np.asarray(replayed.gain).reshape(SLOTS // 2, -1)[:, :4]
        np.testing.assert_array_equal(np.sort(held.ravel()), np.sort(trace.searched.channel_gain.ravel()))


@pytest.mark.parametrize("theta", [None, 0.02])
def test_the_policy_keeps_the_prices_of_its_trace(tmp_path, theta):
    """They are those of `price` on the searched part, and are known without it."""
    train(tmp_path, parts(), **TRAININGS["price"], waiting_cost_j_per_s=theta)
    found, trace = load_policy(tmp_path), parts()
    expected = price_rule(SYSTEM, theta, options=SearchOptions(traces=[trace.searched]))
    for name in ("holding", "scale", "row", "price", "integral", "slope"):
        np.testing.assert_array_equal(getattr(found.rule, name), getattr(expected, name))
    assert (found.rule.by_work, found.rule.joint) == (theta is None, True)
    assert (found.rule.price != price_rule(SYSTEM, theta).price).any()
    result = simulate(SYSTEM, found, slots=300, trace=trace.judged)
    assert result.completed > 0


@pytest.mark.parametrize(
    "stored", [price_rule(SYSTEM, 0.02), price_rule(load_scenario("shadowing"), None, rounds=0)]
)
def test_a_rule_is_stored_whole(stored):
    found = stored_rule(rule_tensors(stored))

    def values(rule):
        flat = {**vars(rule), "cuts": None, "slow": None}
        flat |= {f"cuts.{name}": value for name, value in vars(rule.cuts).items()}
        return flat | (
            {} if rule.slow is None else {f"slow.{name}": value for name, value in vars(rule.slow).items()}
        )

    assert values(found).keys() == values(stored).keys()
    for name, value in values(stored).items():
        np.testing.assert_array_equal(values(found)[name], value)
        assert type(values(found)[name]) is type(value), name


@pytest.mark.parametrize("stops", [(1,), (1, 2)])
def test_a_stopped_training_continues_bit_for_bit(tmp_path, stops):
    trace = parts()
    whole = train(tmp_path / "whole", trace, **TRAININGS["best"])
    for stop in stops:
        train(tmp_path / "broken", trace, stop, **TRAININGS["best"])
    assert same(whole, train(tmp_path / "broken", trace))


@pytest.mark.parametrize(
    ("begun", "given", "reason"),
    [
        (parts(), None, r"\$\.trace: expected the trace of SHA-256 \w{12}, as .* begun; got none"),
        (None, parts(), r"\$\.trace: expected none, as .* begun; got the trace of SHA-256 \w{12}"),
        (parts(), parts("second"), r"\$\.trace: expected the trace of SHA-256 (\w{12}), .* SHA-256 (?!\1)"),
        (parts(), parts("first"), r"\$\.trace: expected the trace of SHA-256 (\w{12}), .* SHA-256 (?!\1)"),
        (parts(), parts(None, 100), r"\$\.search_slots: expected 300, as the training was begun; got 100"),
    ],
)
def test_another_trace_or_part_is_refused_on_resumption(tmp_path, begun, given, reason):
    train(tmp_path, begun, 1, **TRAININGS["paper"])
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(ProblemError, match=reason):
        train(tmp_path, given)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def test_a_training_over_ranges_has_no_trace(tmp_path):
    ranges = Ranges(edge_capacity_hz=(1e9, 2e9))
    with pytest.raises(ProblemError, match=r"\$\.ranges: expected none: the trace is that of one system"):
        train(tmp_path, parts(), preset="shared", ranges=ranges)


# --- the command


COMMAND = ["train", "default", "--algorithm", "ddpg", "--episodes", "4", "--replications", "4"]


@pytest.fixture
def trace(tmp_path, monkeypatch):
    """The file of a trace, of a scenario with short episodes."""
    monkeypatch.chdir(tmp_path)
    np.savez("t.npz", **recorded())
    return "t.npz"


def printed(capsysbinary, *arguments):
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsysbinary.readouterr().out)


def weights(folder):
    return RunFolder(folder).load_checkpoint()[0]


def test_the_command_trains_on_one_part_and_judges_on_the_other(trace, capsysbinary):
    found = printed(capsysbinary, *COMMAND, "--trace", trace, "--out", "a")
    np.savez("other.npz", **recorded("second"))
    other = printed(capsysbinary, *COMMAND, "--trace", "other.npz", "--out", "b")
    assert same(weights("a"), weights("b"))
    (mine,), (theirs,) = found["judged"]["policies"], other["judged"]["policies"]
    assert mine["transmit_energy_j"]["value"] != theirs["transmit_energy_j"]["value"]
    used = {"sha256": Trace(**recorded()).sha256, "searched_slots": 300, "judged_slots": 300}
    assert found["trace"] == used
    assert json.loads(RunFolder("a").load_bytes(RUN))["trace"] == used
    again = printed(capsysbinary, *COMMAND, "--trace", trace, "--out", "c")
    assert again["judged"]["policies"] == found["judged"]["policies"]
    # As lyaopt evaluate judges the policy, which knows what it was trained on.
    brief = ["--replications", "3", "--slots", "60", "--warmup", "10"]
    beside = printed(capsysbinary, "evaluate", "a", "default", "--trace", trace, *brief)
    assert beside["policies"] == found["judged"]["policies"]
    assert beside["tuned"] == {"a": {"on": "training", "first_slots": 300, "in_sample": False}}
    early = printed(
        capsysbinary, "evaluate", "a", "default", "--trace", trace, *brief, "--search-slots", "100"
    )
    assert early["tuned"] == {"a": {"on": "training", "first_slots": 300, "in_sample": True}}
    strange = printed(capsysbinary, "evaluate", "a", "default", "--trace", "other.npz", *brief)
    assert strange["tuned"] == {"a": {"on": "training"}}


@pytest.mark.parametrize(("given", "drawn"), [("arrivals", "channel_gain"), ("channel_gain", "arrivals")])
def test_a_trace_of_one_half_is_completed_with_the_seed(trace, capsysbinary, given, drawn):
    np.savez("half.npz", **{given: recorded()[given]})
    found = printed(capsysbinary, *COMMAND, "--seed", "5", "--trace", "half.npz", "--out", "a")
    assert found["trace"]["drawn"] == drawn
    whole = complete_trace(SYSTEM, **{given: recorded()[given]}, seed=5)
    np.savez("whole.npz", arrivals=whole.arrivals, channel_gain=whole.channel_gain)
    other = printed(capsysbinary, *COMMAND, "--seed", "5", "--trace", "whole.npz", "--out", "b")
    assert same(weights("a"), weights("b"))
    assert other["judged"]["policies"] == found["judged"]["policies"]
    # Resumed, it is completed with the seed of the run, not with that of a new one.
    resumed = printed(capsysbinary, "train", "default", "--resume", "--trace", "half.npz", "--out", "a")
    assert resumed["judged"] == found["judged"]
    assert run([*COMMAND, "--trace", "half.npz", "--out", "text"]) == 0
    text = capsysbinary.readouterr().out.decode()
    assert "Trace    judged on the 300 slots after the first 300\n" in text
    assert f"Trace    without {drawn}: drawn from the scenario with the seed\n" in text
    assert "3 replications of 60 slots" in text


def test_the_part_is_kept_on_resumption(trace, capsysbinary):
    found = printed(capsysbinary, *COMMAND, "--trace", trace, "--search-slots", "200", "--out", "a")
    assert found["trace"]["searched_slots"] == 200
    resumed = printed(capsysbinary, "train", "default", "--resume", "--trace", trace, "--out", "a")
    assert resumed["trace"] == found["trace"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--search-slots", "9"], "--search-slots is for --trace"),
        (["--trace", "t.npz", "--search-slots", "600"], "--trace: expected more slots than the 600"),
        (["--trace", "short.npz"], "--trace: expected at least 8 slots"),
        (["--trace", "wrong.npz"], "wrong.npz: $.arrivals: expected shape (600, 8), got (600, 7)"),
        (["--trace", "none.npz"], "none.npz: No such file"),
    ],
)
def test_what_does_not_fit_is_refused_before_the_training(trace, capsysbinary, options, reason):
    short, wrong = recorded(), recorded()
    np.savez("short.npz", **{name: values[:7] for name, values in short.items()})
    np.savez("wrong.npz", **wrong | {"arrivals": wrong["arrivals"][:, :7]})
    assert run([*COMMAND, *options, "--out", "a"]) == 2
    (line,) = capsysbinary.readouterr().err.decode().splitlines()
    assert reason in line


def test_without_a_trace_nothing_is_said_of_one(trace, capsysbinary):
    found = printed(capsysbinary, *COMMAND, "--out", "a")
    assert not {"trace", "judged", "tuned"} & found.keys()
    assert "trace" not in json.loads(RunFolder("a").load_bytes(RUN))
    assert run(["train", "default", "--resume", "--trace", trace, "--out", "a"]) == 2
    assert "--trace: expected none, as the training was begun" in capsysbinary.readouterr().err.decode()
