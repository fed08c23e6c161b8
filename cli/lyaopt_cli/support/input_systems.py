"""Systems from scenarios named on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lyaopt_cli.support.doubts import warn_of
from lyaopt_cli.support.input_files import input_errors, read_whole

if TYPE_CHECKING:
    from lyaopt.model.system import System


def load_system(name: str) -> System:
    """Load the system of a shipped scenario, or of a scenario file (``-`` for standard input).

    What is hardly meant is warned of on stderr.

    Raises
    ------
    InputError
        If there is no such scenario, or the file is not one.
    """
    from lyaopt.model.plausibility import doubts_of_system
    from lyaopt.model.scenarios import load_scenario, parse_scenario

    with input_errors(name):
        system = parse_scenario(read_whole(name)) if name == "-" else load_scenario(name)
    warn_of(name, doubts_of_system(system))
    return system
