"""``--rule``: an allocation rule from a module of the user's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.user_modules import load_object

if TYPE_CHECKING:
    from lyaopt.simulation import CompiledRule, Rule

_PLACE = "lyaopt simulate: --rule"


def load_rule(name: str) -> CompiledRule | Rule:
    """Import a rule by ``MODULE:NAME``.

    A class is called without arguments, so that each run has a rule of its own. Raises `InputError` if there
    is no such module, attribute or rule.
    """
    from lyaopt.errors import ProblemError
    from lyaopt.io.user_modules import one_line
    from lyaopt.simulation.rules import as_rule

    value = load_object(name, _PLACE)
    try:
        return as_rule(value() if isinstance(value, type) else value)
    except ProblemError as error:
        raise InputError(f"{_PLACE} {name}: {error.reason}") from None
    except (Exception, SystemExit) as error:
        raise InputError(f"{_PLACE} {name}: {one_line(error)}") from None
