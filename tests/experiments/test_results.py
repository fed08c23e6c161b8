"""What is made of finished cells: means, savings, intervals, tables, and verdicts on the paper's claims."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from lyaopt.evaluation import interquartile_mean, mean_of_strata
from lyaopt.experiments import tables
from lyaopt.experiments.convergence import convergence_of
from lyaopt.experiments.paper import BASELINES, FIGURES, ONCE
from lyaopt.experiments.results import MEASURES, Results, read_results
from lyaopt.experiments.savings import savings_of
from lyaopt.experiments.store import Store
from lyaopt.experiments.trends import trends_of
from lyaopt.experiments.units import Run, Units, estimate, ratios, units_of
from lyaopt.experiments.verdicts import is_sure
from lyaopt.problem import ProblemError
from tests.experiments.made import COPIES, measured, reproduction

FACTORS = {
    "lyappo": 0.5,
    "lyappo-once": 0.6,
    "best-fixed": 0.5,
    "ppo-joint": 0.4,
    "ddpg": 1.0,
    "random": 2.0,
    "middle": 1.0,
}
"""What policies spend at the first point; 10 % more at each further one."""


@pytest.fixture
def found(tmp_path):
    store = Store(tmp_path / "made")

    def energy(cell, point):
        where = cell.points[0] if len(cell.points) == 1 else point
        return 1e-3 * (FACTORS[cell.policy] + 0.001 * (cell.seed or 0)) * 1.1**where

    reproduction(store, energy)
    return {results.figure: results for results in read_results(store)[1]}


def results_of(**runs):
    made = Results("made", None, [{}], list(runs), {})
    made.runs.update({(policy, 0): some for policy, some in runs.items()})
    return made


def test_of_trainings_the_unit_is_the_seed_of_all_else_the_copy(found):
    results = found["fig5"]
    trained = units_of(results.runs["lyappo", 0], "energy_j")
    assert trained.trainings
    assert trained.values == pytest.approx(
        [1e-3 * (0.5 + 0.001 * seed) * np.mean(COPIES) for seed in (1, 2, 3)]
    )
    once = units_of(results.runs["random", 0], "energy_j")
    assert not once.trainings
    assert once.values == pytest.approx([2e-3 * luck for luck in COPIES])
    found_mean = results.estimate("lyappo", 0)
    assert found_mean.low <= found_mean.value <= found_mean.high


def test_bad_days_belong_to_a_system_and_trainings_that_went_astray_do_not():
    """The mean of copies is the long-run mean; of trainings the middle ones count."""
    values = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 9.0]
    alone = [Run(None, {"cost": values})]
    many = [Run(seed, {"cost": [value, value]}) for seed, value in enumerate(values)]
    assert estimate(units_of(alone, "cost")).value == pytest.approx(2.0)
    assert estimate(units_of(many, "cost")).value == pytest.approx(1.0)


def test_savings_are_paired_so_that_luck_cancels(found):
    results = found["fig5"]
    saved = results.saving("best-fixed", "random", 0)  # copy by copy
    assert (saved.value, saved.low, saved.high) == pytest.approx((0.75, 0.75, 0.75))
    of_seeds = results.savings("lyappo", "ddpg", 0).values
    assert of_seeds == pytest.approx([1 - (0.5 + s / 1000) / (1 + s / 1000) for s in (1, 2, 3)])
    against_one = results.savings("lyappo", "random", 0).values
    assert against_one == pytest.approx([1 - (0.5 + s / 1000) / 2 for s in (1, 2, 3)])


def test_trainings_are_paired_by_their_seeds():
    """A seed that is missing on one side has no partner, and nobody else becomes it."""
    mine = [Run(seed, {"cost": [2.0 * seed]}) for seed in (1, 3, 4)]
    theirs = [Run(seed, {"cost": [1.0 * seed]}) for seed in (1, 2, 3)]
    assert ratios(mine, theirs, "cost").values == pytest.approx([2.0, 2.0])
    assert ratios(mine[:1], theirs, "cost").values == pytest.approx([2.0])


def test_a_ratio_of_means_spreads_as_a_bootstrap_of_it_says():
    rng = np.random.default_rng(1)
    theirs = rng.lognormal(0.0, 1.0, 400)
    ours = theirs * rng.uniform(0.4, 0.6, 400)
    mine, other = ([Run(None, {"cost": values.tolist()})] for values in (ours, theirs))
    found = estimate(ratios(mine, other, "cost"))
    assert found.value == pytest.approx(ours.mean() / theirs.mean())
    drawn = [rng.integers(0, 400, 400) for _ in range(2000)]
    low, high = np.percentile([ours[some].mean() / theirs[some].mean() for some in drawn], [2.5, 97.5])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.1 * (high - low))


def test_an_average_over_points_gives_each_point_its_weight():
    strata = [np.array([1.0, 2.0]), np.array([10.0] * 50), np.array([4.0])]
    assert mean_of_strata(strata).value == pytest.approx((1.5 + 10.0 + 4.0) / 3)
    assert np.isnan(mean_of_strata(strata).low)  # a single value tells nothing of its spread
    assert mean_of_strata(strata[:1]) == interquartile_mean(strata[0])
    assert np.isnan(mean_of_strata([]).value)
    spread = mean_of_strata([np.arange(5.0), 100.0 + np.arange(5.0)])
    assert 50.0 <= spread.low < spread.value < spread.high <= 54.0  # strata are never exchanged


def test_what_met_the_same_luck_at_all_points_is_drawn_together():
    """Equal luck at four points is no more to know than at one; opposite luck cancels."""
    luck = np.random.default_rng(2).normal(size=40)
    one = mean_of_strata([luck], middle=False)
    four = mean_of_strata([luck, luck + 1.0, luck + 2.0, luck - 3.0], middle=False)
    assert four.high - four.low == pytest.approx(one.high - one.low, rel=0.1)
    none = mean_of_strata([luck, -luck], middle=False)
    assert (none.low, none.high) == pytest.approx((0.0, 0.0), abs=1e-12)
    gap = np.where(np.arange(40) == 3, np.nan, luck)
    assert mean_of_strata([gap, -luck], middle=False).high == pytest.approx(0.0, abs=1e-12)
    uneven = mean_of_strata([luck, -luck[:-1]], middle=False)
    assert uneven.high - uneven.low > 0.1


def test_one_training_decides_nothing():
    alone = estimate(Units(np.array([0.3]), True))
    assert is_sure(alone, 1.0) is None
    assert is_sure(estimate(Units(np.array([0.3, 0.4, 0.5]), True)), 1.0) is True
    assert is_sure(estimate(Units(np.array([0.3, 0.4, -0.5]), True)), 1.0) is False


def test_where_nothing_was_measured_there_is_no_number():
    results = results_of(a=[Run(None, {"energy_j": None})], b=[Run(None, measured(1.0))])
    assert np.isnan(results.estimate("a", 0).value)
    assert np.isnan(results.saving("a", "b", 0).value)
    assert results.savings("a", "missing", 0).values.size == 0


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


def test_claims_are_held_to_what_was_measured(found):
    savings = {saving.other: saving for saving in savings_of(found["fig5"])}
    assert list(savings) == list(BASELINES)
    assert savings["random"].held
    assert savings["random"].ours.value == pytest.approx(0.749, abs=1e-3)
    assert savings["random"].against_fixed.value == pytest.approx(0.75)
    assert savings["random"].paper == 0.4982
    assert not savings["ppo-joint"].held  # which spends less
    verdicts = {verdict.claim: verdict for verdict in trends_of(found["fig5"])}
    assert len(verdicts) == len(FIGURES["fig5"].trends)
    assert [claim for claim, verdict in verdicts.items() if verdict.held] == [
        "LyaPPO: transmission energy rises"
    ]
    rising = verdicts["LyaPPO: transmission energy rises"]
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
    assert more.claim.startswith("LyaPPO from nothing has converged")
    assert not more.held


def test_what_is_missing_is_counted(tmp_path):
    store = Store(tmp_path / "made")
    reproduction(store, lambda cell, point: 1e-3, figures=("fig7",))
    cells = sorted((store.path / "cells").iterdir())
    cells[0].unlink()
    cells[1].write_text("{}")
    (results,) = read_results(store)[1]
    assert results.missing == 2
    for cell in cells[2:]:
        cell.unlink()
    with pytest.raises(ProblemError, match=r"expected finished cells"):
        read_results(store)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(ProblemError, match="expected the folder of a sweep or reproduction"):
        read_results(Store(tmp_path))
    (tmp_path / "experiment.json").write_text('{"schema_version": 99}')
    with pytest.raises(ProblemError, match=r"\$\.schema_version: .*expected schema version 1, got 99"):
        read_results(Store(tmp_path))


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
    """N_m = 2, F^l = 1.5 GHz, p^max = 0.3 W and F^e = 20 GHz are one system, trained for once."""
    store = Store(tmp_path)
    reproduction(store, lambda cell, point: 1e-3, figures=("fig4", "fig5", "fig6", "fig7"), seeds=1)
    sweeps = store.read_experiment()["sweeps"]
    keys = [{c["key"] for c in sweep["cells"] if c["policy"] == "lyappo"} for sweep in sweeps]
    assert len(set.intersection(*keys)) == 1
    once = [{c["key"] for c in sweep["cells"] if c["policy"] == ONCE} for sweep in sweeps]
    assert not set.intersection(*once)


@pytest.mark.parametrize("text", ['{"schema_version": 1}', '{"schema_version": 1, "sweeps": [{}]}'])
def test_a_damaged_experiment_is_told(tmp_path, text):
    (tmp_path / "experiment.json").write_text(text)
    with pytest.raises(ProblemError, match="it is damaged at"):
        read_results(Store(tmp_path))
