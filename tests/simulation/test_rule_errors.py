"""Rules that are refused, that raise, and that answer what cannot be used."""

from __future__ import annotations

import gc
import pickle
import sys

import numpy as np
import pytest

import lyaopt
from lyaopt._kernels.toolchain.function_pointers import heard_errors
from lyaopt._kernels.toolchain.jit import CORE
from lyaopt.errors import ProblemError, RuleError
from lyaopt.model.scenarios import load_scenario
from lyaopt.policies.fixed import middle
from lyaopt.simulation import CompiledRule, Simulator, simulate

SYSTEM = load_scenario("default")
S = len(SYSTEM.services)


def run(rule, **options):
    return simulate(SYSTEM, middle(SYSTEM), rule=rule, **{"slots": 30, "replications": 2} | options)


def constant(local, transmit=1.0, edge=1.0):
    return lambda seen: (local, transmit, edge)


@pytest.mark.parametrize(
    ("local", "message"),
    [
        (-1.0, "$.local[0][0]: rule <lambda>, slot 0: expected a finite number >= 0, got -1.0"),
        (np.nan, "$.local[0][0]: rule <lambda>, slot 0: expected a finite number >= 0, got nan"),
        (np.inf, "$.local[0][0]"),
        (np.ones(S), "$.local: rule <lambda>, slot 0: expected a shape that broadcasts to (8, 2), got (8,)"),
        (np.ones((S, 3)), "got (8, 3)"),
        (np.ones((1, S, 2)), "got (1, 8, 2)"),
        ([[1.0], [1.0, 2.0]], "$.local: rule <lambda>, slot 0: expected"),
        ("much", "$.local: rule <lambda>, slot 0: expected numbers"),
        (np.ones((S, 1), complex), "$.local: rule <lambda>, slot 0: expected numbers"),
        (np.ma.ones((S, 2)), "$.local: rule <lambda>, slot 0: expected an array without a mask"),
        (None, "$.local"),
        (True, "$.local"),
    ],
)
def test_wrong_weights_are_named(local, message):
    with pytest.raises(ProblemError) as caught:
        run(constant(local))
    assert message in str(caught.value)


@pytest.mark.parametrize("stage", ["local", "transmit", "edge"])
def test_the_stage_slot_and_place_are_named(stage):
    def late(seen):
        weights = {name: np.ones((S, 2)) for name in ("local", "transmit", "edge")}
        weights[stage][5, 1] = -2.0 if seen.slot == 17 else 2.0
        return tuple(weights.values())

    with pytest.raises(ProblemError, match=rf"\$\.{stage}\[5\]\[1\]: rule late, slot 17: expected a finite"):
        run(late)


@pytest.mark.parametrize(
    "weights", [1.0, np.float32(2.0), 3, np.ones((S, 1)), [[1.0, 2.0]], np.ones((S, 2), int)]
)
def test_weights_that_broadcast_are_taken(weights):
    assert run(constant(weights)).slots == 30


@pytest.mark.parametrize("answer", [None, 1.0, (1.0, 1.0), "abcd", np.ones((2, S, 2))])
def test_three_weights_are_expected(answer):
    with pytest.raises(
        ProblemError, match=r"\$\.rule: rule <lambda>: expected weights \(local, transmit, edge\)"
    ):
        run(lambda seen: answer)


@pytest.mark.parametrize("rule", ["backlogs", 7, lambda: None, lambda a, b: None, dict, np.ones(3)])
def test_what_is_no_rule_is_refused(rule):
    with pytest.raises(ProblemError, match=r"\$\.rule: expected a function"):
        run(rule)


def test_a_rule_whose_name_cannot_be_read_has_that_of_its_class():
    class Nameless:
        @property
        def name(self):
            raise ValueError("none")

        def __call__(self, seen):
            return tuple(seen.backlog)

    assert run(Nameless()).rule == "Nameless"


def test_what_a_rule_raises_is_the_cause():
    def broken(seen):
        return 1.0 / (3 - seen.slot), 1.0, 1.0

    with pytest.raises(
        RuleError, match=r"rule broken raised ZeroDivisionError in slot 3: .*test_rule_errors\.py"
    ) as caught:
        run(broken)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.rule, again.reason) == (
        str(caught.value),
        caught.value.rule,
        caught.value.reason,
    )


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_wrong_weights_of_a_compiled_rule_name_the_slot(bad):
    @lyaopt.allocation_rule
    def wrong(view, weights):
        weights[:] = view.backlog
        if view.slot == 11:
            weights[1, 0, 0] = bad

    with pytest.raises(
        ProblemError, match=r"\$\.rule: rule wrong, slot 11: expected weights that are finite"
    ):
        run(wrong)


@lyaopt.allocation_rule
def raising(view, weights):
    weights[:] = view.backlog
    if view.slot >= 12:
        raise ValueError("too late")


def test_what_a_compiled_rule_raises_is_the_cause(monkeypatch):
    """In every core, and nothing is printed."""
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    hook = sys.unraisablehook
    message = r"rule raising raised ValueError in slot 12: too late \(.*test_rule_errors\.py:"
    with pytest.raises(RuleError, match=message) as caught:
        run(raising)
    assert isinstance(caught.value.__cause__, ValueError)
    assert (sys.unraisablehook, told) == (hook, [])


def test_copies_that_simulate_ahead_tell_what_a_compiled_rule_raises():
    state = Simulator(SYSTEM, middle(SYSTEM), rule=raising)._state
    copy = state.copies(0, np.arange(2), 1)
    with pytest.raises(RuleError, match="rule raising raised ValueError in slot 12"):
        copy.advance(15, np.ones((1, *copy.kernel_state.points.shape), np.int64))


def test_errors_of_others_are_told_to_the_hook_that_was_there(monkeypatch):
    told = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)

    class Careless:
        def __del__(self):
            raise KeyError("lost")

    with heard_errors() as heard:
        Careless()
        gc.collect()
    assert [type(what.exc_value) for what in told] == [KeyError]
    assert heard == []


@pytest.mark.skipif(CORE == "python", reason="nothing is compiled")
def test_a_rule_that_cannot_be_compiled_says_why():
    @lyaopt.allocation_rule
    def unknown(view, weights):
        weights[:] = view.no_such_field

    with pytest.raises(RuleError, match=r"rule unknown cannot be compiled: .*no_such_field"):
        run(unknown)


@pytest.mark.parametrize("memory", [-1, 1.0, True, "1"])
def test_wrong_memory_is_refused(memory):
    with pytest.raises(ProblemError, match=r"\$\.memory: expected a whole number >= 0"):
        lyaopt.allocation_rule(memory=memory)(print)


def test_only_functions_are_decorated():
    with pytest.raises(ProblemError, match=r"\$\.rule: expected a function, got 3"):
        lyaopt.allocation_rule(3)


def test_a_function_of_numba_is_a_compiled_rule():
    numba = pytest.importorskip("numba")

    @numba.njit
    def ready(view, weights):
        weights[:] = 2.0 * view.backlog

    result = run(ready)
    assert result.rule == "ready"
    np.testing.assert_array_equal(result.queues, run(CompiledRule(ready.py_func)).queues)
