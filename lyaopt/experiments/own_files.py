"""Files of a user that a sweep was run from, as they were read: what runs it again may not find them."""

from __future__ import annotations

from lyaopt.errors import ProblemError
from lyaopt.model.profiles import Profile, format_profile, list_profiles
from lyaopt.model.scenarios import format_scenario, list_scenarios
from lyaopt.model.system import System


def own_files(scenario: str, system: System) -> dict[str, str]:
    """Return the texts of a scenario and of profiles that are not shipped, by name.

    Parameters
    ----------
    scenario : str
        Name of the scenario, or its path.
    system : System
        What was read from it.

    Returns
    -------
    dict of str to str
        The scenario with all defaults, its profiles by paths from the working directory. Nothing stands for a
        system that was made in Python with profiles that are in no file.
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
    return found | {name: format_profile(own[name].profile) for name in sorted(own.keys() - shipped)}
