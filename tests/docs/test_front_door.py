"""`import lyaopt`: the example of its docstring, and names that are imported on first use."""

from __future__ import annotations

import re
import subprocess
import sys
import textwrap

import pytest

import lyaopt

HEAVY = ("numpy", "numba", "pydantic", "torch", "scipy", "gymnasium")


def example() -> str:
    block = re.search(r"::\n\n((?:    .*\n|\n)+)", lyaopt.__doc__ or "")
    assert block is not None
    return textwrap.dedent(block[1])


def in_another_process(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("scipy")
    names: dict[str, object] = {}
    exec(example(), names)
    solution, result = names["solution"], names["result"]
    assert isinstance(solution, lyaopt.SlotSolution)
    assert isinstance(result, lyaopt.Result)
    assert solution.certificate.relative_gap < 1e-12
    assert 0.0 < lyaopt.energy_bound(names["system"]).energy_j < result.mean_energy_j
    assert "J per slot; no stable policy needs less than" in capsys.readouterr().out


def test_the_example_has_ten_lines_of_code() -> None:
    assert len([line for line in example().splitlines() if line.strip()]) <= 12


def test_every_name_of_the_map_resolves() -> None:
    _, map_of_names = (lyaopt.__doc__ or "").split("Where to look:\n")
    named = re.findall(r"`([\w.]+)`", map_of_names)
    assert {name for name in named if not name.startswith("lyaopt.")} == {*lyaopt.__all__} - {"__version__"}
    for module in {name for name in named if name.startswith("lyaopt.")}:
        __import__(module)


@pytest.mark.parametrize("name", lyaopt.__all__)
def test_names_exist_and_are_listed(name: str) -> None:
    assert getattr(lyaopt, name) is not None
    assert name in dir(lyaopt)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'lyaopt' has no attribute 'solve_slotz'"):
        _ = lyaopt.solve_slotz


def test_names_are_shown_before_they_are_imported() -> None:
    code = "import lyaopt, sys; print({*lyaopt.__all__} <= {*dir(lyaopt)}, 'numpy' in sys.modules)"
    assert in_another_process(code) == "True False\n"


WITHOUT_EXTRAS = """
import importlib.machinery as machinery, pydoc, sys

class Core(machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        extras = ("cvxpy", "gymnasium", "matplotlib", "safetensors", "scipy", "torch")
        return None if name.partition(".")[0] in extras else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(machinery.PathFinder)] = Core
"""


def test_all_names_are_there_without_the_extras() -> None:
    """As `help()` and `import *` need them; those that need an extra say so when they are called."""
    code = """
import lyaopt
from lyaopt import *
assert "load_policy" in pydoc.render_doc(lyaopt)
calls = [lambda: load_policy("run"), lambda: energy_bound(load_scenario("default"))]
for call in calls:
    try:
        call()
    except MissingExtraError as error:
        print(error)
"""
    assert in_another_process(WITHOUT_EXTRAS + code).splitlines() == [
        "torch is not installed: pip install 'lyaopt[train]'",
        "scipy is not installed: pip install 'lyaopt[bound]'",
    ]


def test_importing_imports_nothing_heavy() -> None:
    loaded = in_another_process(f"import lyaopt, sys; print([m for m in {HEAVY} if m in sys.modules])")
    assert loaded == "[]\n"


@pytest.mark.parametrize("module", ["lyaopt.simulation", "lyaopt.evaluation", "lyaopt.simulation.simulator"])
def test_a_module_does_not_hide_a_function(module: str) -> None:
    code = f"import {module}, lyaopt; print(callable(lyaopt.simulate), callable(lyaopt.evaluate))"
    assert in_another_process(code) == "True True\n"


def test_all_errors_are_one_family() -> None:
    errors = [getattr(lyaopt, name) for name in lyaopt.__all__ if name.endswith("Error")]
    assert len(errors) == 11
    assert all(issubclass(error, lyaopt.LyaoptError) for error in errors)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda system: lyaopt.solve_slot({}), r"^\$\.problem: expected a SlotProblem, .*, got \{\}"),
        (lambda system: lyaopt.solve_slots(5), r"^\$\.batch: expected a SlotBatch, .*, got 5"),
        (lambda system: lyaopt.simulate("default", slots=1), r"^\$\.system: expected a System, .*'default'"),
        (
            lambda system: lyaopt.simulate(system, "middle", slots=1),
            r"^\$\.policy: expected a policy, .*'middle'",
        ),
        (
            lambda system: lyaopt.make_policy("middle", "default"),
            r"^\$\.system: expected a System, .*'default'",
        ),
        (lambda system: lyaopt.make_policy(None, system), r"^\$\.policy: expected a str, .*None"),
        (lambda system: lyaopt.energy_bound("default"), r"^\$\.system: expected a System, .*'default'"),
        (
            lambda system: lyaopt.evaluate(system, ["middle"]),
            r"^\$\.policies\[0\]: expected a policy, .*'middle'",
        ),
        (lambda system: lyaopt.evaluate(system, 5), r"^\$\.policies: expected a Sequence, .*5"),
    ],
)
def test_what_is_no_object_of_lyaopt_is_named(call, message):
    with pytest.raises(lyaopt.ProblemError, match=message):
        call(lyaopt.load_scenario("default"))
