"""Synthetic experiments with known results."""

from __future__ import annotations

from lyaopt.experiments import paper_figures
from lyaopt.experiments.run_cell import LATENCIES, QUEUES
from lyaopt.experiments.sweeps import experiment_document
from lyaopt.model.scenarios import load_scenario

REPLICATION_FACTORS = (0.9, 1.0, 1.1, 1.2)
"""Factor of each replication, the same for all policies."""

OVER_BOUND = 4.0
"""Energy over the least energy, the same of all policies."""
CURVE = {"waiting_cost_j_per_s": [1e-3], "bound_j": [2e-5], "least_j": 1e-6, "tasks_per_slot": 0.016}


def measured(energy_j, factors=REPLICATION_FACTORS, **others):
    """An evaluation with a mean energy, multiplied by a factor in each replication."""
    values = {
        "energy_j": energy_j,
        "local_energy_j": energy_j / 4,
        "transmit_energy_j": 3 * energy_j / 4,
        "cost": 1.0,
        **dict.fromkeys(LATENCIES, 0.5),
        **dict.fromkeys(QUEUES, 1e6),
        "stay_s": 0.5,
        "least_energy_j": energy_j / OVER_BOUND,
        **others,
    }
    single = {
        "cut_depth": [0.4],
        "local_share": [0.3],
        "energy_limited_share": [0.1],
        "completed_share": [1.0],
    }
    return {name: [value * factor for factor in factors] for name, value in values.items()} | single


def result(cell, energy_j):
    """The result of a cell with the energy of each point."""
    if cell.is_bound:
        return {
            "training": None,
            "prepared_slots": 0,
            "evaluations": [{"energy_j": [1e-6], "curve": CURVE} for _ in cell.points],
        }
    curve = {
        "decisions": [100.0 * step for step in range(1, 41)],
        "reward": [-1.0 / step**2 - 100.0 * energy_j(cell, 0) for step in range(1, 41)],
        "energy_j": [1e-3] * 40,
        "backlog": [0.1] * 40,
    }
    training = {"decisions": 4000, "searched": 0, "slots": 40_000, "curve": curve}
    return {
        "training": training if cell.learner else None,
        "prepared_slots": 40_000 if cell.learner else 0,
        "evaluations": [measured(energy_j(cell, point)) for point in cell.points],
    }


def reproduction(store, energy_j, figures=("fig3", "fig5"), seeds=3):
    """A reproduction of some figures with energies `energy_j(cell, point)`."""
    system = load_scenario("balanced")
    parts = paper_figures.parts(figures, system, "balanced", quick=True, training_seeds=seeds)
    write(store, parts, energy_j)


def write(store, parts, energy_j):
    """All cells of some sweeps, and the experiment."""
    for cell in {cell.key: cell for part in parts for cell in part.cells}.values():
        provenance = {"versions": {"lyaopt": "0.1.0"}, "commit": None, "configuration": cell.key}
        store.write_cell(
            cell.key, {"inputs": cell.inputs, **result(cell, energy_j), **provenance, "seconds": 1.0}
        )
    store.path.mkdir(exist_ok=True)
    store.write_document(experiment_document(parts, "lyaopt reproduce <all> & more"))
