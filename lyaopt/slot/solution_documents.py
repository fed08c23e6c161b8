"""Solution documents: the optimal allocation of one slot as JSON."""

from __future__ import annotations

from typing import Any

from lyaopt._version import __version__
from lyaopt.io.ids import ids_by_position
from lyaopt.io.json_lines import encode
from lyaopt.slot.solution import Objective, SlotSolution


def solution_to_dict(solution: SlotSolution) -> dict[str, Any]:
    """Convert a solution to a document (see docs/reference/formats.md for every key).

    Parameters
    ----------
    solution : SlotSolution
        The solution of a slot.
    """
    problem = solution.problem
    local = solution.local_cpu_hz.tolist()
    rates = solution.rate_bps.tolist()
    edge = solution.edge_cpu_hz.tolist()
    count, most = solution.local_cpu_hz.shape
    counts = problem.service_counts or (most,) * count
    service_ids = problem.service_ids or tuple([ids_by_position("service", [{}] * n) for n in counts])
    services = [
        [
            {"id": name, "local_cpu_hz": f, "rate_bps": r, "edge_cpu_hz": e}
            for name, f, r, e in zip(service_ids[m], local[m], rates[m], edge[m], strict=False)
        ]
        for m in range(count)
    ]
    document = {
        "status": solution.status,
        "objective": objective_to_dict(solution.objective),
        "certificate": {
            "relative_gap": solution.certificate.relative_gap,
            "max_violation": solution.certificate.max_violation,
        },
        "edge": {"cpu_hz": sum(map(sum, edge)), "price": solution.edge_price},
        "devices": _device_dicts(solution, list(map(sum, rates)), services),
        "lyaopt": __version__,
    }
    if problem.spectrum == "shared":
        _add_spectrum(document, solution)
    return document


def _add_spectrum(document: dict[str, Any], solution: SlotSolution) -> None:
    """Add what is known of a shared spectrum; a measured radio has its own band."""
    bandwidth = solution.bandwidth_hz.tolist()
    for device, own in zip(document["devices"], bandwidth, strict=True):
        device["bandwidth_hz"] = own
    document["spectrum"] = {
        "bandwidth_hz": solution.problem.shared_bandwidth_hz,
        "price": solution.spectrum_price,
    }


def objective_to_dict(objective: Objective) -> dict[str, float]:
    """Values of the three problems of an `objective`, and their sum."""
    return {
        "local": objective.local,
        "transmit": objective.transmit,
        "edge": objective.edge,
        "total": objective.total,
    }


def _device_dicts(
    solution: SlotSolution, rate_bps: list[float], services: list[list[dict[str, Any]]]
) -> list[dict[str, Any]]:
    columns = zip(
        solution.problem.device_ids or ids_by_position("device", [{}] * len(rate_bps)),
        solution.cpu_hz.tolist(),
        solution.power_w.tolist(),
        rate_bps,
        solution.local_energy_j.tolist(),
        solution.transmit_energy_j.tolist(),
        solution.local_price.tolist(),
        solution.rate_price.tolist(),
        services,
        strict=True,
    )
    return [
        {
            "id": name,
            "cpu_hz": cpu,
            "power_w": power,
            "rate_bps": rate,
            "local_energy_j": local_energy,
            "transmit_energy_j": transmit_energy,
            "local_price": local_price,
            "rate_price": rate_price,
            "services": served,
        }
        for name, cpu, power, rate, local_energy, transmit_energy, local_price, rate_price, served in columns
    ]


def format_solution(solution: SlotSolution) -> bytes:
    """Format a solution document as one line of compact JSON, without a line end.

    Parameters
    ----------
    solution : SlotSolution
        The solution of a slot.

    Raises
    ------
    ProblemError
        If a number of the solution is not finite: magnitudes exceed double precision.
    """
    return encode(solution_to_dict(solution))
