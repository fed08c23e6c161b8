"""Files of a user that a sweep was run from, as they were read: what runs it again may not find them."""

from __future__ import annotations

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.model.profiles import Profile, format_profile, list_profiles
from lyaopt.model.scenarios import format_scenario, list_scenarios
from lyaopt.model.system import System


def own_files(scenario: str, system: System) -> dict[str, str]:
    """Return the texts of a scenario, of profiles that are not shipped and of replayed times, by name.

    Parameters
    ----------
    scenario : str
        Name of the scenario, or its path.
    system : System
        What was read from it.

    Returns
    -------
    dict of str to str
        The scenario with all defaults, its other files by paths from the working directory. Nothing stands
        for a system that was made in Python with profiles that are in no file.
    """
    found = {}
    if scenario not in list_scenarios():
        try:
            found[scenario] = format_scenario(system)
        except ProblemError:
            return {}
    services = [service for device in system.devices for service in device.services]
    own = {str(service.model): service for service in services if not isinstance(service.model, Profile)}
    shipped = set(list_profiles())
    found |= {name: format_profile(own[name].profile) for name in sorted(own.keys() - shipped)}
    laws = [service.arrivals for service in services]
    return found | {law.times: _format_times(law.task_times_s) for law in laws if law.times is not None}


def _format_times(times_s: Floats) -> str:
    """The text of a file of task times."""
    return "".join(f"{time!r}\n" for time in times_s.tolist())
