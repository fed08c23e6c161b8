"""One slot of few services: the same bits from C, from Python, and in a batch; guards around all arrays."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from lyaopt import SlotSolver, solve_slot
from tests.kernels.test_sizes import make_batch
from tests.support.capi import CERTIFICATE, DEVICES_OUT, OK, SERVICES_OUT, Call, load_library, slot_of

pytestmark = pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")


@pytest.fixture(scope="module")
def library():
    return load_library()


@pytest.mark.parametrize("services", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("devices", [1, 2, 3, 4, 7, 8, 9, 16, 17])
def test_the_bits_are_those_of_batches_and_of_python(library, services, devices):
    batch = make_batch(services, devices=devices, slots=4, seed=devices)
    many = Call(library, batch)
    assert many() == OK
    for slot in range(4):
        one, plain = Call(library, batch, slot), Call(library, batch, slot)
        plain.certified = [None]
        assert one() == plain() == OK
        problem = slot_of(batch, slot)
        solution = solve_slot(problem)
        for place, name in enumerate((*SERVICES_OUT, *DEVICES_OUT)):
            expected = many.answers[place].reshape(-1, 4)[:, slot]
            np.testing.assert_array_equal(one.answers[place], expected, err_msg=name)
            np.testing.assert_array_equal(plain.answers[place], expected, err_msg=name)
            np.testing.assert_array_equal(getattr(solution, name).T.ravel(), expected, err_msg=name)
        one.check_guards()
        plain.check_guards()
        ours = [getattr(one.certificate, name) for name in CERTIFICATE]
        objective, certificate = solution.objective, solution.certificate
        parts = [objective.local, objective.transmit, objective.edge, solution.edge_price]
        assert ours == [*parts, certificate.relative_gap, certificate.max_violation]


def test_one_slot_after_the_other_in_one_workspace(library):
    """What the slot before left in the workspace does not matter, nor where the workspace begins."""
    batch = make_batch(2, devices=4, slots=6)
    solver = SlotSolver(slot_of(batch, 0))
    shared = np.full(Call(library, batch, 0).workspace.size + 8, np.nan)
    for slot in range(6):
        call = Call(library, batch, slot)
        call.workspace = shared[slot:]
        assert call() == OK
        problem = slot_of(batch, slot)
        solver.update(
            local_queue_cycles=problem.local_queue_cycles,
            transmit_queue_bits=problem.transmit_queue_bits,
            edge_queue_cycles=problem.edge_queue_cycles,
            channel_gain=problem.channel_gain,
        )
        solution = solver.solve()
        for place, name in enumerate((*SERVICES_OUT, *DEVICES_OUT)):
            np.testing.assert_array_equal(
                getattr(solution, name).T.ravel(), call.answers[place], err_msg=name
            )
