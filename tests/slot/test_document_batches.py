"""Documents that come together get the answers that each gets alone, or none, whatever they are."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from lyaopt.errors import ProblemError
from lyaopt.slot.document_batches import DocumentSolver
from lyaopt.slot.document_layout import skeleton
from lyaopt.slot.documents import parse_slot_document
from lyaopt.slot.solution_documents import format_solution, solution_to_dict
from lyaopt.slot.solution_layout import SolutionLayout
from lyaopt.slot.solve import solve_slot
from lyaopt.verify.random_problems import PLAIN_REGIMES, random_batch
from tests.support.slot_text import EXAMPLE, GENERAL

WEIGHTS = ("local_weight", "transmit_weight", "edge_weight")
QUEUES = ("local_queue_cycles", "transmit_queue_bits", "edge_queue_cycles")
NUMBERS = (
    *("0", "-0", "-0.0", "0e5", "1", "7e-3", "1E+3", "123456789", "0.1", "1e300", "-1", "1e400", "1e308"),
    *("1e-310", "1e-320", "5e-324", "01", "1.", ".5", "+1", "1 2", "9" * 400, "9" * 5000),
    *("NaN", "-Infinity", "Infinity", "null", "true", "false", '"5"', "[1]", "[]", "{}", "1,2", ""),
)


def alone(text: bytes) -> bytes | None:
    """The answer to a document by itself; None if it is refused."""
    try:
        return format_solution(solve_slot(parse_slot_document(text)))
    except ProblemError:
        return None


def document(counts: list[int], rng: random.Random, **keys: bool) -> dict[str, Any]:
    """A document with some optional keys: `ids`, `noise`, `widths` and `weights`."""

    def service(place: int) -> dict[str, Any]:
        names = (*QUEUES, *WEIGHTS) if keys.get("weights") else QUEUES
        numbers = {name: rng.choice([0.0, 10 ** rng.uniform(2, 9)]) for name in names}
        return ({"id": f"s-{place}"} if keys.get("ids") else {}) | numbers

    def device(place: int, count: int) -> dict[str, Any]:
        own = {"bandwidth_hz": 1e6 / len(counts)} if keys.get("widths") else {}
        return own | {
            "cpu_capacity_hz": rng.uniform(1e8, 3e9),
            "services": [service(n) for n in range(count)],
            "max_power_w": rng.uniform(0.1, 1),
            "channel_gain": 10 ** rng.uniform(-13, -9),
            **({"id": f"d{place}"} if keys.get("ids") else {}),
        }

    return {
        "devices": [device(m, count) for m, count in enumerate(counts)],
        **{key: value for key, value in EXAMPLE.items() if key not in ("devices", "noise_psd_dbm_per_hz")},
        **({"noise_psd_dbm_per_hz": rng.choice([-174.0, -160.0])} if keys.get("noise") else {}),
    }


def written(value: Any) -> bytes:
    return json.dumps(value).encode()


LAYOUTS: list[dict[str, bool]] = [
    {},
    {"ids": True},
    {"noise": True, "widths": True},
    {"ids": True, "noise": True, "weights": True},
]


@pytest.mark.parametrize("keys", LAYOUTS, ids=lambda keys: "-".join(keys) or "none")
@pytest.mark.parametrize("counts", [[1], [2, 2, 2, 2], [3, 1, 2], [64, 64]], ids=str)
def test_valid_documents_are_answered_byte_by_byte(counts: list[int], keys: dict[str, bool]) -> None:
    rng = random.Random(repr((counts, keys)))
    texts = [written(document(counts, rng, **keys)) for _ in range(60)]
    solver = DocumentSolver()
    expected = list(map(alone, texts))
    assert None not in expected
    first = solver.solve(texts[:30])
    assert first == [None, *expected[1:30]]
    assert solver.solve(texts[30:]) == expected[30:]
    for text, answer in zip(texts, expected, strict=True):
        assert solver.solve([text]) == [answer]


@pytest.mark.parametrize("regime", PLAIN_REGIMES)
def test_all_magnitudes_are_answered_alike(regime: str) -> None:
    batch = random_batch(regime, 40, np.random.default_rng(3), 2, 3)
    rng = random.Random(1)
    texts = []
    for slot in range(40):
        made = document([3, 3], rng, widths=True, noise=True)
        made["bandwidth_hz"] = math.fsum(batch.bandwidth_hz)
        made["noise_psd_dbm_per_hz"] = batch.noise_psd_dbm_per_hz
        for name in ("slot_duration_s", "edge_capacity_hz", "energy_coefficient"):
            made[name] = float(np.broadcast_to(getattr(batch, name), 40)[slot])
        for name in ("energy_weight_local", "energy_weight_transmit"):
            made[name] = float(getattr(batch, name))
        for m, device in enumerate(made["devices"]):
            for name in ("cpu_capacity_hz", "max_power_w", "bandwidth_hz"):
                device[name] = float(getattr(batch, name)[m])
            device["channel_gain"] = float(batch.channel_gain[slot, m])
            for n, service in enumerate(device["services"]):
                service |= {name: float(getattr(batch, name)[slot, m, n]) for name in QUEUES}
        texts.append(written(made))
    solver = DocumentSolver()
    solver.solve(texts[:2])
    answers = solver.solve(texts)
    for text, answer in zip(texts, answers, strict=True):
        assert answer in (None, alone(text))


def mutations(text: bytes, rng: random.Random) -> Iterator[bytes]:
    """The text with changes that leave its skeleton, or nearly."""
    places = [place for place in range(len(text)) if text[place : place + 2] == b": "]
    for _ in range(120):
        place = rng.choice(places) + 2
        end = min(text.find(mark, place) for mark in (b",", b"}") if text.find(mark, place) > 0)
        yield text[:place] + rng.choice(NUMBERS).encode() + text[end:]
    for _ in range(150):
        place = rng.randrange(len(text))
        yield (
            text[:place] + rng.choice([b"1", b"e", b"-", b".", b" ", b'"', b"\\", b",", b"\n"]) + text[place:]
        )
        yield text[:place] + text[place + 1 :]
        yield text[:place] + rng.choice(b'0123456789eE.+-"{}[],:\\ ').to_bytes() + text[place + 1 :]
        other = rng.randrange(len(text))
        yield text[: min(place, other)] + text[max(place, other) :]
    yield from (
        text[:-1] + b', "slot_duration_s": 0.01}',
        text + text,
        b"[" + text + b"]",
        b"",
        b"{}",
        b"\xff",
    )


@pytest.mark.parametrize("keys", LAYOUTS, ids=lambda keys: "-".join(keys) or "none")
def test_changed_documents_are_answered_as_alone_or_not_at_all(keys: dict[str, bool]) -> None:
    rng = random.Random(repr(keys))
    texts = [written(document([2, 1], rng, **keys)) for _ in range(4)]
    changed = [other for text in texts for other in mutations(text, rng)]
    rng.shuffle(changed)
    expected = {text: alone(text) for text in {*changed, *texts}}
    assert sum(answer is None for answer in expected.values()) > len(expected) / 3
    solver = DocumentSolver()
    solver.solve(texts)
    answered = 0
    while changed:
        count = rng.choice([1, 2, 5, 30])
        batch, changed = [*changed[:count], rng.choice(texts)], changed[count:]
        for text, answer in zip(batch, solver.solve(batch), strict=True):
            assert answer in (None, expected[text]), text
            answered += answer is not None
    assert answered > 400


@pytest.mark.parametrize(
    ("one", "two"),
    [('"id": "a1"', '"id": "a2"'), ('"max_power_w": 0.3', '"max_power_w1": 0.3'), ('"id"', '"id1"')],
)
def test_the_same_skeleton_is_not_the_same_document(one: str, two: str) -> None:
    text = written(EXAMPLE | {"devices": [EXAMPLE["devices"][1] | {"id": "a1", "max_power_w": 0.3}]})
    other = text.replace(one.encode(), two.encode(), 1)
    assert text != other
    assert skeleton(text) == skeleton(other)
    solver = DocumentSolver()
    solver.solve([text, text])
    assert solver.solve([text, other, text]) == [alone(text), None, alone(text)]


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_a_result_that_is_not_finite_is_not_written(bad: float) -> None:
    solution = solve_slot(parse_slot_document(written(document([1], random.Random(1)))))
    layout = SolutionLayout(solution_to_dict(solution), (1, 1), (1,))
    for place in range(8):
        results = np.ones((3, 8, 1))
        results[1, place] = bad
        answers = layout.write(np.ones(3), np.ones((3, 3, 1, 1)), results, np.zeros((3, 6)))
        is_written = place in (2, 3)  # the multipliers are in no document
        assert [answer is not None for answer in answers] == [True, is_written, True]
        assert answers[0] == answers[2]


def test_swapped_names_are_not_mistaken() -> None:
    made = document([2, 2], random.Random(1), ids=True)
    other = json.loads(json.dumps(made))
    other["devices"].reverse()
    solver = DocumentSolver()
    solver.solve([written(made)] * 2)
    assert solver.solve([written(other)]) == [None]


@pytest.mark.parametrize("zero", ["0.0", "-0.0"])
def test_empty_slots_are_answered_alike(zero: str) -> None:
    """Sums of zeros have signs of their own."""
    made = document([2, 1], random.Random(1))
    for device in made["devices"]:
        for service in device["services"]:
            service |= dict.fromkeys(QUEUES, "zero")
    text = written(made).replace(b'"zero"', zero.encode())
    solver = DocumentSolver()
    assert solver.solve([text] * 3) == [None, alone(text), alone(text)]


def test_an_empty_list_takes_no_numbers() -> None:
    made = document([1, 0], random.Random(1))
    text = written(made)
    solver = DocumentSolver()
    solver.solve([text] * 4)
    assert solver.solve([text, text.replace(b"[]", b"[5]")]) == [None, None]


def changed(**more: Any) -> dict[str, Any]:
    """A plain document with more keys at the `top`, of a `device`, or of a `service`, or with a `name`."""
    made = document([2, 2], random.Random(1), ids="name" in more)
    made |= more.get("top", {})
    made["devices"][1] |= more.get("device", {})
    made["devices"][1]["services"][1] |= more.get("service", {}) | (
        {"id": more["name"]} if "name" in more else {}
    )
    return made


OTHERS = [
    *(EXAMPLE, GENERAL, 3, None, [], {}),
    changed(top={"spectrum": "shared"}),
    changed(top={"spectrum": "split"}),
    changed(device={"id": "one"}),
    changed(device={"bandwidth_hz": 1e5}),
    changed(device={"radio": {"rate_bps": 2e6, "power_w": 0.8}}),
    changed(service={"id": "one"}),
    changed(service={"edge_weight": 2.0}),
    changed(name='quoted "name"'),
]


@pytest.mark.parametrize("made", OTHERS)
def test_other_documents_are_left_to_a_closer_look(made: Any) -> None:
    solver = DocumentSolver()
    for _ in range(3):
        assert solver.solve([written(made)] * 3) == [None] * 3


def test_a_bad_document_does_not_keep_good_ones_from_being_learned() -> None:
    good, bad = (written(document([1], random.Random(1)) | {"slot_duration_s": tau}) for tau in (0.01, -0.01))
    solver = DocumentSolver()
    assert solver.solve([bad] * 3) == [None] * 3
    assert solver.solve([good] * 3) == [alone(good)] * 3


def test_many_layouts_take_little_memory() -> None:
    solver = DocumentSolver()
    for count in range(1, 60):
        text = written(document([count], random.Random(1)))
        assert solver.solve([text] * 2) == [None, alone(text)]
    assert len(solver._layouts) + len(solver._unknown) < 50


def test_long_documents_and_lines_left_out_are_skipped() -> None:
    text = written(document([400], random.Random(1)))
    assert DocumentSolver().solve([None, text, text, None]) == [None] * 4
