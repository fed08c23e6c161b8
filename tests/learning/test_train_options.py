"""Options of `lyaopt train` other than those of the training: ranges, pictures, TensorBoard."""

from __future__ import annotations

import json

import pytest

torch = pytest.importorskip("torch")

from lyaopt.learning import load_policy  # noqa: E402
from lyaopt.learning.run_folder import LOG, RunFolder  # noqa: E402
from lyaopt.model.scenarios import load_scenario  # noqa: E402
from lyaopt.simulation import simulate  # noqa: E402
from lyaopt_cli.main import run  # noqa: E402

BRIEF = ["--preset", "shared", "--episodes", "1", "--replications", "1", "--seed", "4"]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A training over ranges with all optional outputs."""
    path = tmp_path_factory.mktemp("train")
    vary = ["--vary", "edge_capacity_hz=1e8:2e10", "--vary", "cpu_capacity_hz=1e9:2e9"]
    extras = ["--plot", str(path / "run.svg"), "--tensorboard", str(path / "board")]
    assert run(["train", "balanced", *BRIEF, *vary, *extras, "--out", str(path / "run")]) == 0
    return path


def test_ranges_are_kept_and_a_resumed_training_must_have_the_same(trained, capsys):
    kept = RunFolder(trained / "run").load_document()["ranges"]
    assert kept == {"edge_capacity_hz": [1e8, 2e10], "cpu_capacity_hz": [1e9, 2e9]}
    again = ["train", "balanced", "--preset", "shared", "--resume", "--out", str(trained / "run")]
    assert run([*again, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["finished"]
    assert run([*again, "--vary", "edge_capacity_hz=1e8:1e10"]) == 2
    assert "$.ranges" in capsys.readouterr().err


def test_a_policy_trained_over_ranges_serves_the_scenario(trained):
    result = simulate(load_scenario("scarce-edge"), load_policy(trained / "run"), slots=200)
    assert result.policy == "lyappo"


def test_the_picture_shows_the_log(trained):
    text = (trained / "run.svg").read_text()
    assert text.startswith("<?xml")
    assert (trained / "run" / LOG).exists()


def test_tensorboard_has_the_values_of_the_log(trained):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(trained / "board"))
    events.Reload()
    lines = [json.loads(line) for line in (trained / "run" / LOG).read_text().splitlines()]
    assert set(events.Tags()["scalars"]) == set(lines[0]) - {"decisions"}
    for name in ("return", "backlog", "local_energy_j"):
        found = events.Scalars(name)
        assert [event.step for event in found] == [line["decisions"] for line in lines]
        assert [event.value for event in found] == pytest.approx([line[name] for line in lines], rel=1e-6)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--vary", "edge_capacity_hz"], "NAME=LOW:HIGH"),
        (["--vary", "edge_capacity_hz=1:x"], "NAME=LOW:HIGH"),
        (["--vary", "colour=1:2"], "$.colour: expected one of edge_capacity_hz"),
        (["--vary", "distance_m=20:10"], "$.distance_m: expected the lower end first"),
        (["--vary", "distance_m=10:20", "--preset", "tuned"], "$.ranges: expected a network"),
        (["--plot", "run.gif"], "--plot: expected a figure that ends in .png or .svg"),
        (["--plot", "missing/run.svg"], "No such file or directory"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_trained(tmp_path, capsys, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    assert run(["train", "balanced", *BRIEF, *options, "--out", "run"]) == 2
    assert words in capsys.readouterr().err
    assert not (tmp_path / "run" / LOG).exists()
