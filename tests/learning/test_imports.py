"""Optional packages may be missing, and are not loaded without need."""

import subprocess
import sys

import pytest

WITHOUT = """
import importlib.util, sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "gymnasium", "stable_baselines3", "safetensors"):
            raise ModuleNotFoundError(name)
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name: None if name == "gymnasium" else find_spec(name)
sys.meta_path.insert(0, Missing())
"""


def run(script):
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)


@pytest.mark.parametrize("module", ["lyaopt", "lyaopt.policies", "lyaopt_cli.main", "lyaopt.learning"])
def test_learning_libraries_need_not_be_installed(module):
    done = run(f"{WITHOUT}\nimport {module}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("module", ["lyaopt", "lyaopt.policies", "lyaopt_cli.main"])
def test_learning_libraries_are_not_loaded(module):
    names = ("torch", "gymnasium", "stable_baselines3", "safetensors")
    done = run(f"import sys, {module}\nprint([name for name in {names} if name in sys.modules])")
    assert done.stdout == "[]\n", done.stderr


def test_replications_are_stepped_without_torch():
    done = run("import sys, lyaopt.learning\nassert 'torch' not in sys.modules")
    assert done.returncode == 0, done.stderr
