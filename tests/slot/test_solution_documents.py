"""Solution documents equal their solutions, and schemas describe the documents."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyaopt.errors import ProblemError
from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.problem import SlotProblem
from lyaopt.slot.schemas import DOCUMENTS, json_schema
from lyaopt.slot.solution import Certificate, Objective, SlotSolution
from lyaopt.slot.solution_documents import format_solution, solution_to_dict
from lyaopt.slot.solve import solve_slot
from tests.support.slot_text import EXAMPLE, GENERAL, with_literal

words = st.text(alphabet='aN"\\/é\u2028\x00\x7f\N{GRINNING FACE}', min_size=1, max_size=4)
finite = st.floats(min_value=0, max_value=1e100, allow_subnormal=False)


@st.composite
def solutions(draw: Any) -> SlotSolution:
    counts = draw(st.lists(st.integers(0, 3), max_size=4))
    shape = (len(counts), max(counts, default=0))
    present = np.arange(shape[1]) < np.array(counts, dtype=int)[:, None]

    def services() -> Any:
        filled = np.zeros(shape)
        filled[present] = draw(st.lists(finite, min_size=sum(counts), max_size=sum(counts)))
        return filled

    def devices() -> Any:
        return np.array(draw(st.lists(finite, min_size=len(counts), max_size=len(counts))), dtype=float)

    names = draw(st.lists(words, min_size=len(counts), max_size=len(counts), unique=True))
    ones = np.ones(len(counts))
    problem = SlotProblem(
        0.01,
        1e-28,
        1.0,
        1.0,
        1e9,
        *[ones] * 4,
        *[np.zeros(shape)] * 3,
        service_counts=tuple(counts),
        device_ids=draw(st.sampled_from([None, tuple(names)])),
    )
    local = services()
    return SlotSolution(
        problem,
        Objective(draw(finite), draw(finite), draw(finite)),
        Certificate(draw(finite), draw(finite)),
        local,
        *[services() for _ in range(2)],
        local.sum(axis=1),
        *[devices() for _ in range(3)],
        draw(finite),
        *[devices() for _ in range(5)],
        0.0,
    )


@given(solutions())
def test_a_solution_document_equals_the_solution(solution):
    encoded = format_solution(solution)
    assert b"\n" not in encoded
    document = json.loads(encoded)
    DOCUMENTS["solution"].model_validate(document)
    assert document == solution_to_dict(solution)
    assert document["objective"]["total"] == solution.objective.total
    counts = solution.problem.service_counts
    assert [len(device["services"]) for device in document["devices"]] == list(counts)
    for m, device in enumerate(document["devices"]):
        for total, part, array in (
            ("cpu_hz", "local_cpu_hz", solution.local_cpu_hz),
            ("rate_bps", "rate_bps", solution.rate_bps),
        ):
            parts = [service[part] for service in device["services"]]
            assert parts == array[m, : counts[m]].tolist()
            assert math.isclose(device[total], math.fsum(parts), rel_tol=1e-12)
        for key in ("power_w", "local_energy_j", "transmit_energy_j", "local_price", "rate_price"):
            assert device[key] == getattr(solution, key)[m]
    edge = [service["edge_cpu_hz"] for device in document["devices"] for service in device["services"]]
    assert math.isclose(document["edge"]["cpu_hz"], math.fsum(edge), rel_tol=1e-12)
    assert document["edge"]["price"] == solution.edge_price


@pytest.mark.parametrize("document", [EXAMPLE | {"spectrum": "shared"}, GENERAL], ids=["all", "one"])
def test_a_shared_spectrum_is_in_the_document(document):
    solution = solve_slot(parse_slot_document(json.dumps(document)))
    answer = json.loads(format_solution(solution))
    DOCUMENTS["solution"].model_validate(answer)
    shared = [m for m, device in enumerate(document["devices"]) if "radio" not in device]
    total = sum(solution.problem.bandwidth_hz[m] for m in shared)
    assert answer["spectrum"] == {"bandwidth_hz": total, "price": solution.spectrum_price}
    own = [device["bandwidth_hz"] for device in answer["devices"]]
    assert own == solution.bandwidth_hz.tolist()
    assert sum(own[m] for m in shared) <= total * (1.0 + 1e-12)


def test_a_split_spectrum_is_not():
    answer = solution_to_dict(solve_slot(parse_slot_document(json.dumps(EXAMPLE | {"spectrum": "split"}))))
    assert "spectrum" not in answer
    assert all("bandwidth_hz" not in device for device in answer["devices"])


def one_device(name: str, power: float) -> SlotSolution:
    row = np.ones((1, 1))
    problem = SlotProblem(1.0, 0.0, 0.0, 0.0, 1.0, *[row[0]] * 4, *[row] * 3, device_ids=(name,))
    return SlotSolution(
        problem,
        Objective(0.0, 0.0, 0.0),
        Certificate(0.0, 0.0),
        row,
        row,
        row,
        row[0],
        row[0] * power,
        *[row[0]] * 2,
        0.0,
        *[row[0]] * 5,
        0.0,
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_solution_that_is_not_finite_is_no_document(value):
    with pytest.raises(ProblemError, match="double precision"):
        format_solution(one_device("a", value))


def test_magnitudes_are_refused_or_written_without_a_warning(recwarn):
    huge = parse_slot_document(with_literal(("devices", 0, "cpu_capacity_hz"), "1e200"))
    assert math.isfinite(json.loads(format_solution(solve_slot(huge)))["devices"][0]["local_price"])
    assert [str(warning.message) for warning in recwarn] == []


def test_names_may_look_like_anything():
    for name in ("NaN", "Infinity", '"', "\n", "é"):
        assert json.loads(format_solution(one_device(name, 1.0)))["devices"][0]["id"] == name


# --- schemas


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_the_schema_refuses_unknown_keys_and_explains_known_ones(name):
    schema = json_schema(name)
    for part in [schema, *schema["$defs"].values()]:
        assert part["additionalProperties"] is False
        assert part["description"]
        assert all("description" in field for field in part["properties"].values() if "type" in field)


def test_the_schema_of_a_slot_has_the_keys_of_a_slot():
    schema = json_schema("slot")
    definitions = {name: set(part["properties"]) for name, part in schema["$defs"].items()}
    first, second = GENERAL["devices"]
    assert set(schema["properties"]) == set(GENERAL)
    assert definitions == {
        "DeviceDocument": set(first) | set(second),
        "ServiceDocument": set(first["services"][0]),
        "OperatingPointDocument": set(first["cpu_points"][0]),
        "RadioDocument": set(second["radio"]),
    }
    assert set(schema["required"]) == set(EXAMPLE) - {"noise_psd_dbm_per_hz", "energy_coefficient"}
