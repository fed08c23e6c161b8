"""Names of shipped CPUs and radios in the place of their numbers, in a device.

``cpu_points = "rk3588_a76"`` stands for the operating points of that CPU, ``radio = "lte-2021"`` for the
radio of that table; ``radio = {model = "lte-2021", rate_bps = 12e6}`` states some of its numbers anew.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic_core import ArgsKwargs

from lyaopt.errors import ProblemError
from lyaopt.io.strict_json import show_value
from lyaopt.model.cpus.catalog import cpu_names, load_cpu
from lyaopt.model.device_energies import with_capacity_of_points
from lyaopt.model.radios.catalog import load_radio, radio_names


def fields_of_device(given: Any) -> Any:
    """Replace names by what they stand for, and add the capacity that operating points imply.

    Parameters
    ----------
    given : ArgsKwargs or object
        Fields of a device before they are checked; returned as they are where they are no fields.

    Raises
    ------
    ProblemError
        If there is no such CPU or radio; the path starts at the device.
    """
    fields = given.kwargs if isinstance(given, ArgsKwargs) else given
    if not isinstance(fields, dict):
        return given
    known = dict(fields)
    if isinstance(known.get("cpu_points"), str):
        known["cpu_points"] = load_cpu(_one_of(known["cpu_points"], cpu_names(), "$.cpu_points")).points
    if isinstance(known.get("radio"), str):
        known["radio"] = load_radio(_one_of(known["radio"], radio_names(), "$.radio")).radio
    elif isinstance(known.get("radio"), dict) and "model" in known["radio"]:
        own = dict(known["radio"])
        table = load_radio(_one_of(own.pop("model"), radio_names(), "$.radio.model"))
        known["radio"] = asdict(table.radio) | own
    return with_capacity_of_points(ArgsKwargs(given.args, known) if isinstance(given, ArgsKwargs) else known)


def _one_of(name: Any, names: tuple[str, ...], path: str) -> str:
    if not isinstance(name, str) or name not in names:
        raise ProblemError(path, f"expected one of {', '.join(names)}; got {show_value(name)}")
    return name
