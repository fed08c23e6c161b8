"""Results of finished cells: means, savings, intervals, tables, and verdicts on the paper's claims."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from lyaopt.errors import ProblemError
from lyaopt.evaluation import interquartile_mean
from lyaopt.experiments import tables
from lyaopt.experiments.convergence import convergence_of
from lyaopt.experiments.paper_figures import BASELINES, FIGURES, ONCE
from lyaopt.experiments.results import MEASURES, Results, load_results
from lyaopt.experiments.savings import savings_of
from lyaopt.experiments.statistics import NOTHING, Grid, Run, estimate, grid_of, ratios
from lyaopt.experiments.store import Store
from lyaopt.experiments.trends import trends_of
from lyaopt.experiments.verdicts import is_sure
from tests.experiments.synthetic import OVER_BOUND, REPLICATION_FACTORS, measured, reproduction

FACTORS = {
    "lyappo": 0.5,
    "lyappo-once": 0.6,
    "best-fixed": 0.5,
    "ppo-joint": 0.4,
    "ddpg": 1.0,
    "random": 2.0,
    "middle": 1.0,
}
"""Energies of policies at the first point; 10 % more at each further one."""


@pytest.fixture
def found(tmp_path):
    store = Store(tmp_path / "made")

    def energy(cell, point):
        where = cell.points[0] if len(cell.points) == 1 else point
        return 1e-3 * (FACTORS[cell.policy] + 0.001 * (cell.seed or 0)) * 1.1**where

    reproduction(store, energy)
    return {results.figure: results for results in load_results(store)[1]}


def results_of(**runs):
    made = Results("made", None, [{}], list(runs), {})
    made.runs.update({(policy, 0): some for policy, some in runs.items()})
    return made


def grid(values):
    """Values of runs and replications, with denominators of 1."""
    values = np.atleast_2d(values)
    return Grid(values, np.ones_like(values))


def width(found):
    return found.high - found.low


def test_values_are_those_of_runs_on_replications(found):
    results = found["fig5"]
    trained = grid_of(results.runs["lyappo", 0], "energy_j")
    seeds, replications = np.array([1, 2, 3])[:, None], np.array(REPLICATION_FACTORS)
    assert trained.values == pytest.approx(1e-3 * (0.5 + 0.001 * seeds) * replications)
    once = grid_of(results.runs["random", 0], "energy_j")
    assert once.values == pytest.approx(2e-3 * replications[None])
    found_mean = results.estimate("lyappo", 0)
    assert found_mean.low <= found_mean.value <= found_mean.high


def test_bad_replications_count_and_failed_trainings_do_not():
    """Replications have an arithmetic mean, trainings an interquartile mean."""
    values = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0]
    alone = [Run(None, {"cost": values})]
    many = [Run(seed, {"cost": [value, value]}) for seed, value in enumerate(values)]
    assert estimate(grid_of(alone, "cost")).value == pytest.approx(2.0)
    assert estimate(grid_of(many, "cost")).value == pytest.approx(1.0)


def test_savings_are_paired_so_that_common_noise_cancels(found):
    results = found["fig5"]
    saved = results.saving("best-fixed", "random", 0)
    assert (saved.value, saved.low, saved.high) == pytest.approx((0.75, 0.75, 0.75))
    of_seeds = results.compared(("lyappo", 0), ("ddpg", 0), "energy_j").means()
    assert of_seeds == pytest.approx([(0.5 + s / 1000) / (1 + s / 1000) for s in (1, 2, 3)])
    against_one = results.compared(("lyappo", 0), ("random", 0), "energy_j").means()
    assert against_one == pytest.approx([(0.5 + s / 1000) / 2 for s in (1, 2, 3)])


def test_trainings_are_paired_by_their_seeds():
    """A training seed that is missing on one side is left out."""
    mine = [Run(seed, {"cost": [2.0 * seed]}) for seed in (1, 3, 4)]
    theirs = [Run(seed, {"cost": [1.0 * seed]}) for seed in (1, 2, 3)]
    assert ratios(mine, theirs, "cost").means() == pytest.approx([2.0, 2.0])
    assert ratios(mine[:1], theirs, "cost").means() == pytest.approx([2.0])


def test_a_ratio_uses_the_values_that_both_sides_have():
    mine = [Run(None, {"cost": [1.0, None, 5.0, 2.0]})]
    theirs = [Run(None, {"cost": [2.0, 9.0, 6.0, None]})]
    assert ratios(mine, theirs, "cost").means() == pytest.approx([6.0 / 8.0])
    nothing = [Run(None, {"cost": [0.0, 0.0, 0.0, 0.0]})]
    assert ratios(mine, nothing, "cost") is NOTHING
    assert ratios(mine, [Run(None, {"cost": [1.0]})], "cost") is NOTHING


def test_the_interval_of_a_ratio_is_that_of_a_direct_bootstrap():
    rng = np.random.default_rng(1)
    theirs = rng.lognormal(0.0, 1.0, 400)
    ours = theirs * rng.uniform(0.4, 0.6, 400)
    found = estimate(Grid(ours[None], theirs[None]))
    assert found.value == pytest.approx(ours.mean() / theirs.mean())
    drawn = [rng.integers(0, 400, 400) for _ in range(2000)]
    low, high = np.percentile([ours[some].mean() / theirs[some].mean() for some in drawn], [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.1 * (high - low))


def test_runs_and_replications_both_widen_the_interval():
    """The width is that of seeds or replications alone; with both, the squares add up."""
    rng = np.random.default_rng(3)
    seeds, replications = rng.normal(size=(30, 1)), rng.normal(size=(1, 40))
    of_seeds = estimate(grid(seeds + np.zeros_like(replications)))
    assert (of_seeds.value, width(of_seeds)) == pytest.approx(
        (interquartile_mean(seeds[:, 0]).value, width(interquartile_mean(seeds[:, 0]))), rel=0.1
    )
    of_replications = estimate(grid(replications + np.zeros_like(seeds)))
    assert of_replications.value == pytest.approx(replications.mean())
    assert width(of_replications) == pytest.approx(width(estimate(grid(replications))), rel=0.1)
    both = estimate(grid(seeds + replications))
    assert width(both) == pytest.approx(np.hypot(width(of_seeds), width(of_replications)), rel=0.1)


def test_an_average_over_points_has_equal_weights():
    points = [grid([[1.0, 2.0]]), grid([[10.0] * 50]), grid([[4.0]])]
    assert estimate(*points).value == pytest.approx((1.5 + 10.0 + 4.0) / 3)
    assert np.isnan(estimate(*points).low)  # a single value has no interval
    assert np.isnan(estimate().value)
    assert estimate(NOTHING, points[0]) == estimate(points[0])
    spread = estimate(grid(np.arange(5.0)), grid(100.0 + np.arange(5.0)))
    assert 50.0 <= spread.low < spread.value < spread.high <= 54.0  # points are not resampled


@pytest.mark.parametrize("axis", [0, 1])
def test_common_random_numbers_are_resampled_together(axis):
    """Equal factors at four points narrow nothing; opposite ones cancel."""
    luck = np.expand_dims(np.random.default_rng(2).normal(size=40), 1 - axis)
    one = estimate(grid(luck))
    four = estimate(grid(luck), grid(luck + 1.0), grid(luck + 2.0), grid(luck - 3.0))
    assert width(four) == pytest.approx(width(one), rel=0.1)
    none = estimate(grid(luck), grid(-luck))
    assert (none.low, none.high) == pytest.approx((0.0, 0.0), abs=1e-12)
    uneven = estimate(grid(luck), grid(-np.delete(luck, -1, axis=axis)))
    assert width(uneven) > 0.1


def test_replications_without_a_value_are_left_out():
    values = np.random.default_rng(4).normal(size=(1, 40))
    gap = np.where(np.arange(40) == 3, np.nan, values)
    found = estimate(grid(gap))
    assert found.value == pytest.approx(np.delete(values, 3).mean())
    assert found.low < found.value < found.high


def test_one_value_decides_nothing():
    assert is_sure(estimate(grid([[0.3]])), 1.0) is None
    assert is_sure(estimate(grid([[0.3], [0.4], [0.5]])), 1.0) is True
    assert is_sure(estimate(grid([[0.3], [0.4], [-0.5]])), 1.0) is False


def test_without_measurements_there_is_no_number():
    results = results_of(a=[Run(None, {"energy_j": None})], b=[Run(None, measured(1.0))])
    assert np.isnan(results.estimate("a", 0).value)
    assert np.isnan(results.saving("a", "b", 0).value)
    assert results.compared(("a", 0), ("missing", 0), "energy_j") is NOTHING


def test_tables_have_a_row_for_each_point_and_policy(found):
    results = found["fig5"]
    text = tables.csv_text(list(found.values()))
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == sum(len(some.runs) for some in found.values())
    row = next(row for row in rows if row["sweep"] == "fig5" and row["policy"] == "random")
    assert float(row["energy_j"]) == results.estimate("random", 0).value
    assert float(row["saving_against_best-fixed"]) == pytest.approx(-3.0)
    assert {f"{measure}{end}" for measure in MEASURES for end in ("", "_low", "_high")} <= row.keys()
    lines = tables.markdown(results).splitlines()
    assert len(lines) == 2 + len(results.runs)
    assert len({line.count("|") for line in lines}) == 1
    assert float(row["over_bound_at_latency"]) == pytest.approx(OVER_BOUND)
    assert row["over_bound"] == ""  # waiting has no cost


def test_verdicts_follow_the_measurements(found):
    savings = {saving.other: saving for saving in savings_of(found["fig5"])}
    assert list(savings) == list(BASELINES)
    assert savings["random"].held
    assert savings["random"].ours.value == pytest.approx(0.749, abs=1e-3)
    assert savings["random"].against_fixed.value == pytest.approx(0.75)
    assert savings["random"].paper == 0.4982
    assert not savings["ppo-joint"].held  # which spends less
    verdicts = {verdict.claim: verdict for verdict in trends_of(found["fig5"])}
    assert len(verdicts) == len(FIGURES["fig5"].trends)
    assert [claim for claim, verdict in verdicts.items() if verdict.held] == ["LyaPPO: transmit energy rises"]
    rising = verdicts["LyaPPO: transmit energy rises"]
    assert rising.change.value == pytest.approx(0.21)
    assert rising.steps == "2 of 2"
    assert verdicts["DDPG-Cov: energy falls"].last.value == found["fig5"].estimate("ddpg", 2).value


def test_half_a_sweep_gives_no_verdict(found):
    results = found["fig5"]
    results.runs["lyappo", 2] = []
    assert np.isnan(results.estimate("lyappo", 2).value)
    del results.runs["lyappo", 2]
    assert [verdict.claim for verdict in trends_of(results)] == ["DDPG-Cov: energy falls"]


def test_curves_are_compared_by_their_ends(found):
    verdicts = {verdict.claim: verdict.held for verdict in convergence_of(found["fig3"])}
    assert not verdicts["LyaPPO ends with a higher return than PPO (joint)"]
    assert verdicts["LyaPPO ends with a higher return than DDPG-Cov"]
    assert verdicts["LyaPPO has converged by two fifths of the training (episode 1,000 of 2,500)"]
    assert convergence_of(found["fig5"]) == []


def test_learners_are_compared_seed_by_seed_whatever_they_log(found):
    results = found["fig3"]
    steps = np.arange(1, 81)
    quiet = {"decisions": 100.0 * steps, "reward": np.where(steps < 20, -9.0, -1.0)}
    results.curves["lyappo", 0] = [quiet] * 3
    wild = {"decisions": 50.0 * np.arange(1, 161), "reward": np.repeat(np.where(steps < 40, -9.0, -2.0), 2)}
    wild["reward"] = wild["reward"] + np.tile(np.repeat([0.5, -0.5], 4), 20)
    results.curves["ddpg", 0] = results.curves["ppo-joint", 0] = [wild] * 3
    verdicts = {verdict.claim: verdict for verdict in convergence_of(results)}
    assert all(verdict.held for verdict in verdicts.values())
    higher = verdicts["LyaPPO ends with a higher return than DDPG-Cov"]
    assert (higher.first.value, higher.last.value) == (-2.0, -1.0)
    earlier = verdicts["LyaPPO converges earlier than PPO (joint)"]
    assert 1900 <= earlier.last.value <= 2400  # a window of a twentieth smooths the step
    assert 3900 <= earlier.first.value <= 4400
    assert verdicts["LyaPPO fluctuates less than DDPG-Cov"].last.value == 0.0
    results.curves["lyappo-shared", 0] = [wild] * 3  # which jumps in the middle of the training
    (more,) = (verdict for verdict in convergence_of(results) if verdict.claim not in verdicts)
    assert more.claim.startswith("LyaPPO without a start has converged")
    assert not more.held


def test_missing_cells_are_counted(tmp_path):
    store = Store(tmp_path / "made")
    reproduction(store, lambda cell, point: 1e-3, figures=("fig7",))
    cells = sorted((store.path / "cells").iterdir())
    cells[0].unlink()
    cells[1].write_text("{}")
    (results,) = load_results(store)[1]
    assert results.missing == 2
    for cell in cells[2:]:
        cell.unlink()
    with pytest.raises(ProblemError, match=r"expected finished cells"):
        load_results(store)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(ProblemError, match="expected the folder of a sweep or reproduction"):
        load_results(Store(tmp_path))
    (tmp_path / "experiment.json").write_text('{"schema_version": 99}')
    with pytest.raises(ProblemError, match=r"\$\.schema_version: .*expected schema version 2, got 99"):
        load_results(Store(tmp_path))


@pytest.mark.parametrize("figure", [name for name, figure in FIGURES.items() if figure.setting])
def test_every_sweep_of_the_paper_holds_its_middle_and_its_ranges(figure):
    known = FIGURES[figure]
    assert set(known.quick) <= set(known.values)
    assert list(known.values) == sorted(known.values)
    assert len(known.percent) == len(BASELINES)
    for low, high in known.ranges.values():
        if known.setting in known.ranges:
            assert (low, high) == (known.values[0], known.values[-1])


def test_figures_share_the_system_in_the_middle(tmp_path):
    """N_m = 2, F^l = 1.5 GHz, p^max = 0.3 W and F^e = 20 GHz are one system, trained only once."""
    store = Store(tmp_path)
    reproduction(store, lambda cell, point: 1e-3, figures=("fig4", "fig5", "fig6", "fig7"), seeds=1)
    sweeps = store.load_document()["sweeps"]
    keys = [{c["key"] for c in sweep["cells"] if c["policy"] == "lyappo"} for sweep in sweeps]
    assert len(set.intersection(*keys)) == 1
    once = [{c["key"] for c in sweep["cells"] if c["policy"] == ONCE} for sweep in sweeps]
    assert not set.intersection(*once)


@pytest.mark.parametrize("text", ['{"schema_version": 2}', '{"schema_version": 2, "sweeps": [{}]}'])
def test_an_experiment_without_its_checksum_is_an_error(tmp_path, text):
    (tmp_path / "experiment.json").write_text(text)
    with pytest.raises(ProblemError, match="expected the checksum of its contents"):
        load_results(Store(tmp_path))
