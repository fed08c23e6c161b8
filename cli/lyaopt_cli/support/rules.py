"""``--rule``: an allocation rule from a module of the user's."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lyaopt_cli.support.input_files import InputError

if TYPE_CHECKING:
    from lyaopt.simulation import CompiledRule, Rule


def load_rule(name: str) -> CompiledRule | Rule:
    """Import a rule by ``MODULE:NAME``; modules in the current folder are found, as by ``python -m``.

    A class is called without arguments, so that each run has a rule of its own. Raises `InputError` if there
    is no such module, attribute or rule.
    """
    from lyaopt.errors import ProblemError
    from lyaopt.simulation.rules import as_rule

    module, colon, path = name.partition(":")
    if not (colon and module and path):
        raise InputError(f"lyaopt simulate: --rule: expected MODULE:NAME, got {name!r}")
    value: Any = _imported(module)
    for part in path.split("."):
        try:
            value = getattr(value, part)
        except AttributeError:
            raise InputError(f"lyaopt simulate: --rule: module {module} has no {path}") from None
    try:
        return as_rule(value() if isinstance(value, type) else value)
    except ProblemError as error:
        raise InputError(f"lyaopt simulate: --rule {name}: {error.reason}") from None
    except (Exception, SystemExit) as error:
        raise InputError(f"lyaopt simulate: --rule {name}: {_one_line(error)}") from None


def _imported(module: str) -> Any:
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            raise InputError(f"lyaopt simulate: --rule: no module named {error.name}") from None
        raise InputError(f"lyaopt simulate: --rule: {module} imports {error.name}, not found") from None
    except (Exception, SystemExit) as error:  # whatever the module does when it is imported
        raise InputError(f"lyaopt simulate: --rule: cannot import {module}: {_one_line(error)}") from None


def _one_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())}"
