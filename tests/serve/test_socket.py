"""A server on a Unix socket, and its blocking client."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from lyaopt import ProblemError, solve_slot
from lyaopt.serve import DeadlineError, PeerGoneError, connect
from lyaopt.slot.documents import parse_slot_document
from tests.support.slot_text import EXAMPLE

SERVE = [sys.executable, "-m", "lyaopt_cli", "serve"]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    place = tmp_path_factory.mktemp("serve") / "s"
    with subprocess.Popen([*SERVE, "--socket", str(place)], stdout=subprocess.PIPE) as process:
        assert json.loads(process.stdout.readline())["socket"] == str(place)
        yield place
        process.terminate()
        assert process.wait() == 0
    assert not place.exists()


def test_solutions_are_those_of_this_process(path):
    problem = parse_slot_document(json.dumps(EXAMPLE))
    with connect(path) as client:
        assert client.ping() > 0.0
        client.configure(problem)
        for factor in (1.0, 0.5):
            gain = factor * problem.channel_gain
            found = client.solve(channel_gain=gain, deadline_s=60.0)
            expected = solve_slot(found.problem)
            np.testing.assert_array_equal(found.problem.channel_gain, gain)
            np.testing.assert_array_equal(found.rate_bps, expected.rate_bps)
            assert found.objective == expected.objective
        weight = 1.0 + problem.local_queue_cycles
        found = client.solve(edge_weight=weight)
        expected = solve_slot(found.problem)
        np.testing.assert_array_equal(found.problem.edge_weight, weight)
        assert found.problem.local_weight is None
        np.testing.assert_array_equal(found.edge_cpu_hz, expected.edge_cpu_hz)
        assert found.objective == expected.objective
        expected = solve_slot(client.solve().problem)
        assert not expected.problem.is_general
        with pytest.raises(ProblemError) as caught:
            client.solve(edge_weight=-weight)
        assert caught.value.path == "$.devices[0].services[0].edge_weight"
        with pytest.raises(ProblemError) as caught:
            client.solve(channel_gain=-gain)
        assert caught.value.path == "$.devices[0].channel_gain"
        with pytest.raises(DeadlineError) as late:
            client.solve(deadline_s=0.0)
        assert late.value.late_s > 0.0
        assert client.solve().objective == expected.objective
    with pytest.raises(PeerGoneError):
        client.solve()
