"""The tables of a campaign of learning."""

from __future__ import annotations

from benchmarks.campaign import LEARNERS, POLICIES, SEARCHED, cells
from benchmarks.campaign_table import BEGIN, END, table, write


def line(policy, seed, factor):
    figures = {
        name: [factor * value for value in (1.0, 2.0, 3.0, 4.0, 5.0)] for name in ("cost", "energy_mj")
    }
    return {
        "scenario": "balanced",
        "policy": policy,
        "seed": seed,
        "slots": 100,
        **figures,
        "local_mj": [0.5] * 5,
        "latency_s": [0.1] * 5,
        "p99_s": [None] * 5,
        "queues": [1.0, 1.0, 1.0],
        "energy_limited": 0.25,
        "born": 10,
        "completed": 9,
        "prepared_slots": 5_000_000,
    }


def test_policies_are_ordered_by_cost_compared_with_best_fixed():
    lines = [line("random", 1, 3.0), line("best-fixed", 1, 1.0)]
    lines += [line("lyappo", seed, 0.9 + 0.01 * seed) for seed in range(1, 6)]
    rows = [row.split(" | ") for row in table(lines).splitlines()[4:] if row]
    assert [row[0].strip("| ") for row in rows] == ["**LyaPPO** (`best`)", "best-fixed", "Random-Cov"]
    learnt, fixed, random = rows
    assert learnt[1] == "5"
    assert learnt[2] == "5"
    assert learnt[4].startswith("-7.0 (")  # the middle half of 0.91 to 0.95, by replication
    assert fixed[4] == ""
    assert random[4] == "+200.0 (+200.0 to +200.0)"
    assert random[-1].startswith("90.0 %")


def test_a_run_is_compared_with_the_mean_of_the_searches_or_with_its_own_base():
    """The table also gives the number of trainings that kept their start."""
    lines = [line("best-fixed", 1, 0.8), line("best-fixed", 2, 1.2)]
    lines += [{**line("lyappo", seed, 1.1), "best_update": best} for seed, best in ((1, 0), (2, 40))]
    lines += [{**line("planning", 1, 1.0), "base": {"cost": [2.0] * 5, "energy_mj": [3.0] * 5}}]
    rows = {row.split(" | ")[0].strip("| "): row.split(" | ") for row in table(lines).splitlines()[4:] if row}
    assert rows["best-fixed"][1] == "2"
    assert rows["**LyaPPO** (`best`)"][1] == "2 (1)"
    assert rows["**LyaPPO** (`best`)"][4] == "+10.0 (+10.0 to +10.0)"
    assert rows["planning (short runs)"][4].startswith("+50.0 (")
    assert rows["planning (short runs)"][6].startswith("+0.0 (")


def test_policies_that_complete_few_tasks_have_no_bound():
    done, slow = table(
        [{**line("middle", 1, 1.0), "completed": 10}, line("best-fixed", 1, 2.0)]
    ).splitlines()[4:6]
    assert float(done.split(" | ")[7]) > 0.0
    assert slow.split(" | ")[7].strip() == ""


def test_one_cell_per_seed_of_trained_or_searched_policies_and_one_of_the_others():
    found = list(cells(["paper", "balanced"], [*POLICIES, *LEARNERS], 3))
    several = len(LEARNERS) + len(SEARCHED)
    expected = 2 * (len(POLICIES) - len(SEARCHED) + 3 * several)
    assert len(found) == len({cell.key for cell in found}) == expected
    assert [cell.seed for cell in found] == sorted(cell.seed for cell in found)


def test_tables_are_written_only_between_the_marks(tmp_path):
    page, lines = tmp_path / "results.md", [line("best-fixed", 1, 1.0)]
    page.write_text(f"before\n\n{BEGIN}\nold\n{END}\n\nafter\n")
    for _ in range(2):
        write(lines, page)
        assert page.read_text() == f"before\n\n{BEGIN}\n\n{table(lines)}\n{END}\n\nafter\n"
