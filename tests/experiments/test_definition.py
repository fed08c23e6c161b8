"""Definitions of sweeps: their meaning, and errors with their places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.experiments.cells import cells_of
from lyaopt.experiments.definition import Sweep, parse_sweep
from lyaopt.experiments.learners import LEARNERS, Learner, budget, training_of
from lyaopt.experiments.paper_figures import EVALUATION_SEED, parts
from lyaopt.experiments.variations import MORE_MODELS, SETTINGS, varied
from lyaopt.learning.start_training import configuration
from lyaopt.model.edges import Edge
from lyaopt.model.scenarios import load_scenario
from lyaopt_cli.main import run

SYSTEM = load_scenario("balanced")
WHOLE = """
name = "everything"
scenario = "balanced"
policies = ["lyappo", "mine", "best-fixed", "0,0,0,0,0,0,0,0", "bound"]
training_seeds = 3

[vary]
edge_capacity_hz = [1e9, 2e10]
channel.shadowing_std_db = [0.0, 8.0, 20.0]

[evaluation]
seed = 5
slots = 1000
warmup = 10
replications = 4
search_seed = 9

[learners.mine]
algorithm = "lyappo"
preset = "shared"
decisions = 10_000
ranges.edge_capacity_hz = [1e9, 2e10]
at.channel.shadowing_std_db = 8.0
"""


def test_a_definition_with_all_keys_is_parsed():
    sweep = parse_sweep(WHOLE)
    assert len(sweep.points) == 6
    assert sweep.points[1] == {"edge_capacity_hz": 1e9, "channel.shadowing_std_db": 8.0}
    systems = sweep.systems(SYSTEM)
    assert [system.channel.shadowing_std_db for system in systems] == 2 * [0.0, 8.0, 20.0]
    assert sweep.learner("lyappo") == LEARNERS["lyappo"]
    assert sweep.learner("mine").once
    assert sweep.evaluation.search_seed == 9
    assert sweep.learner("best-fixed") is None


def test_trainings_that_serve_all_points_are_one_cell_for_each_seed():
    cells = cells_of(parse_sweep(WHOLE), SYSTEM)
    by_policy = {}
    for cell in cells:
        by_policy.setdefault(cell.policy, []).append(cell)
    assert {policy: len(some) for policy, some in by_policy.items()} == {
        "lyappo": 3 * 6,
        "mine": 3,
        "best-fixed": 6,
        "0,0,0,0,0,0,0,0": 6,
        "bound": 6,
    }
    assert by_policy["mine"][0].points == (0, 1, 2, 3, 4, 5)
    assert by_policy["mine"][0].training_system.channel.shadowing_std_db == 8.0
    assert len({cell.key for cell in cells}) == len(cells)
    assert [cell.seed for cell in cells if cell.seed] == sorted(cell.seed for cell in cells if cell.seed)


def test_keys_depend_only_on_what_determines_a_result():
    def keys(text):
        return {
            (cell.policy, cell.points, cell.seed): cell.key for cell in cells_of(parse_sweep(text), SYSTEM)
        }

    before = keys(WHOLE)
    assert keys(WHOLE.replace("everything", "something")) == before
    assert keys(WHOLE.replace("training_seeds = 3", "training_seeds = 2")).items() < before.items()
    searched = keys(WHOLE.replace("search_seed = 9", "search_seed = 10"))
    assert {key[0] for key in before if searched[key] != before[key]} == {"best-fixed"}
    longer = keys(WHOLE.replace("slots = 1000", "slots = 1001"))
    assert {key[0] for key in before if longer[key] == before[key]} == {"bound"}
    other = keys(WHOLE.replace("10_000", "20_000"))
    assert {key[0] for key in before if other[key] != before[key]} == {"mine"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "training_seeds = 3",
            "training_seed = 3",
            r"^\$\.training_seed: expected one of the keys .*did you mean training_seeds",
        ),
        ("training_seeds = 3", "training_seeds = 0", r"^\$\.training_seeds: expected a whole number from 1"),
        (
            "training_seeds = 3",
            'training_seeds = "3"',
            r"^\$\.training_seeds: expected a whole number from 1",
        ),
        ('"best-fixed"', '"lyappo"', r"^\$\.policies\[2\]: expected every policy once, got 'lyappo' again"),
        ('"best-fixed"', "3", r"^\$\.policies\[2\]: "),
        ("[1e9, 2e10]\nchannel", "3\nchannel", r"^\$\.vary\.edge_capacity_hz: expected a list of values"),
        (
            "edge_capacity_hz = [1e9, 2e10]\nch",
            "edge = [1]\nch",
            r"^\$\.vary\.edge: expected one of the keys",
        ),
        ("slots = 1000", "slot = 1000", r"^\$\.evaluation\.slot: expected one of the keys .*slots"),
        ("slots = 1000", "slots = -1", r"^\$\.evaluation\.slots: expected a whole number"),
        (
            'algorithm = "lyappo"',
            'algorithm = "sarsa"',
            r"^\$\.learners\.mine\.algorithm: expected \"lyappo\"",
        ),
        ('algorithm = "lyappo"\n', "", r"^\$\.learners\.mine\.algorithm: missing required key"),
        ("ranges.edge_capacity_hz", "ranges.edge", r"^\$\.learners\.mine\.ranges\.edge: expected one of"),
        ("ranges.edge_capacity_hz = [1e9, 2e10]", "", r"^\$\.learners\.mine\.at: expected ranges"),
        ("[evaluation]", "[evaluation", r"^\$: expected TOML, got a syntax error"),
    ],
)
def test_errors_are_reported_with_their_place(old, new, message):
    assert old in WHOLE
    with pytest.raises(DocumentError, match=message):
        parse_sweep(WHOLE.replace(old, new, 1))


def test_the_line_of_an_error_is_reported(tmp_path, capsys):
    file = tmp_path / "sweep.toml"
    file.write_text(WHOLE.replace("replications = 4", "replications = 0"))
    assert run(["sweep", str(file), "--out", str(tmp_path / "out")]) == 2
    line = 1 + WHOLE.splitlines().index("replications = 4")
    expected = f"{file}:{line}: $.evaluation.replications: expected a whole number"
    assert capsys.readouterr().err.startswith(expected)
    assert not (tmp_path / "out").exists()


def test_the_line_of_a_value_that_does_not_fit_the_system_is_reported(tmp_path, capsys):
    file = tmp_path / "sweep.toml"
    file.write_text(
        'policies = ["middle", "bound"]\n[vary]\nservices_per_device = [1, 9]\nedge_capacity_hz = [1e9]\n'
    )
    assert run(["sweep", str(file), "--out", str(tmp_path / "out")]) == 2
    place = f"{file}:3: $.vary.services_per_device[1]: expected at most 4"
    assert capsys.readouterr().err.startswith(place)
    assert not (tmp_path / "out").exists()


def test_no_training_of_the_paper_has_the_seed_of_the_evaluation(tmp_path, capsys):
    assert run(["reproduce", "fig3", "--out", str(tmp_path), "--training-seeds", str(EVALUATION_SEED)]) == 2
    assert "--training-seeds" in capsys.readouterr().err
    (part,) = parts(("fig3",), SYSTEM, "balanced", quick=True, training_seeds=EVALUATION_SEED - 1)
    assert part.sweep.evaluation.seed == EVALUATION_SEED


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policies": ("no-such",)}, r"^\$\.policies\[0\]: expected middle, .*got 'no-such'"),
        ({"policies": ("9,9",)}, r"^\$\.policies\[0\]: expected a cut for each of 8 services"),
        ({"vary": {"edge_capacity_hz": [1e9, -1.0]}}, r"^\$\.vary\.edge_capacity_hz\[1\]: expected a finite"),
        (
            {"vary": {"services_per_device": [1, 5]}},
            r"^\$\.vary\.services_per_device\[1\]: expected at most 4",
        ),
        (
            {"policies": ("lyappo",), "training_seeds": 77},
            r"^\$\.evaluation\.seed: expected no training seed",
        ),
    ],
)
def test_values_that_the_system_does_not_allow_are_refused(changes, message):
    with pytest.raises(ProblemError, match=message):
        cells_of(Sweep(**{"policies": ("middle",), **changes}), SYSTEM)


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_can_be_varied(name):
    where = {"services_per_device": 1, "energy_weights": 1.0, "waiting_costs": 2.0}
    section, _, field = name.partition(".")
    if name in where:
        value = where[name]
    elif field:
        value = getattr(getattr(SYSTEM, section), field)
    else:
        parts = (SYSTEM, SYSTEM.devices[0], SYSTEM.services[0])
        value = next(getattr(part, name) for part in parts if hasattr(part, name))
        value = float(value[0]) if isinstance(value, np.ndarray) else value
    system = replace(SYSTEM, waiting_cost_j_per_s=0.1) if name == "waiting_costs" else SYSTEM
    varied(system, {name: value})


def test_settings_of_devices_apply_to_all_and_services_are_added_in_order():
    assert set(varied(SYSTEM, {"cpu_capacity_hz": 3e9}).cpu_capacity_hz) == {3e9}
    heavier = varied(SYSTEM, {"energy_weights": 3.0})
    assert heavier.energy_weight_local == 3.0 * SYSTEM.energy_weight_local
    assert heavier.energy_weight_transmit == 3.0 * SYSTEM.energy_weight_transmit
    assert varied(SYSTEM, {"services_per_device": 2}) == SYSTEM
    models = [service.model for service in SYSTEM.devices[0].services]
    for count in (1, 3, 4):
        device = varied(SYSTEM, {"services_per_device": count}).devices[0]
        assert [service.model for service in device.services] == [*models, *MORE_MODELS[0]][:count]


def test_a_capacity_that_several_edge_servers_do_not_have_is_refused():
    several = replace(SYSTEM, edges=(Edge(1e9), Edge(2e9)))
    with pytest.raises(ProblemError, match=r"^\$\.edge_capacity_hz: expected none: the scenario has"):
        varied(several, {"edge_capacity_hz": 3e9})
    for both in (("edges", "edge_capacity_hz"), ("edge_capacity_hz", "edges")):
        values = {"edges": several.edges, "edge_capacity_hz": 3e9}
        with pytest.raises(ProblemError, match="expected none: the scenario has"):
            varied(SYSTEM, {name: values[name] for name in both})
    assert varied(several, {"cpu_capacity_hz": 3e9}).links.capacity_hz.tolist() == [1e9, 2e9]


@pytest.mark.parametrize("decisions", [1, 5_000, 30_000, 250_000, 500_000])
@pytest.mark.parametrize(
    "usual", [(4, 200, 200), (50, 50, 200), (50, 100, 10_000), (20, 50, 200), (50, 50, 2_000)]
)
def test_budgets_come_as_near_as_whole_rollouts_do(usual, decisions):
    systems, rollout, _ = usual
    found = budget(*usual, decisions)
    assert found["episodes"] % systems == 0
    assert found["decisions_per_episode"] % rollout == 0
    made = found["episodes"] * found["decisions_per_episode"]
    rounds = found["episodes"] // systems
    assert abs(made - decisions) <= max(systems * rollout * rounds / 2, systems * rollout)


def test_learners_check_themselves():
    with pytest.raises(DocumentError, match=r"\$\.decisions: expected a whole number"):
        Learner("lyappo", decisions=0)
    with pytest.raises(ProblemError, match=r"\$\.ranges\.distance_m: expected two numbers"):
        Learner("lyappo", ranges={"distance_m": [1.0]})


@pytest.mark.parametrize("name", LEARNERS)
def test_the_default_budget_is_that_of_the_algorithm(name):
    """A cell trains like `lyaopt train`."""
    learner = LEARNERS[name]
    usual = configuration(SYSTEM, learner.algorithm, learner.preset)
    _, found = training_of(learner, SYSTEM)
    assert found == {
        "episodes": usual.rounds * usual.replications,
        "decisions_per_episode": usual.decisions_per_episode,
    }


@pytest.mark.parametrize(
    ("algorithm", "preset", "words"), [("lyappo", "bset", "best"), ("ddpg", "best", "has no presets")]
)
def test_presets_are_checked_before_anything_is_computed(algorithm, preset, words):
    with pytest.raises(ProblemError, match=words) as caught:
        Learner(algorithm, preset)
    assert caught.value.path == "$.preset"


@pytest.mark.parametrize("factor", [10**400, -1, True, "1", float("nan"), float("inf")])
def test_factors_of_weights_are_numbers_that_doubles_have(factor):
    with pytest.raises(ProblemError, match=r"\$\.energy_weights: expected a number"):
        varied(load_scenario("default"), {"energy_weights": factor})


def test_ranges_that_doubles_do_not_have():
    with pytest.raises(ProblemError):
        Learner("lyappo", ranges={"edge_capacity_hz": [1, 10**400]})
