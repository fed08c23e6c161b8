"""Names of the devices and services of a problem, as given in Python."""

from __future__ import annotations

from typing import Any

from lyaopt.arrays import shown
from lyaopt.errors import ProblemError

Names = tuple[str, ...]


def checked_ids(devices: Any, services: Any, counts: Any) -> tuple[Names | None, tuple[Names, ...] | None]:
    """Check the names of devices and services, and return them as tuples.

    Parameters
    ----------
    devices : sequence of str or None
        One name for each device.
    services : sequence of sequences of str or None
        For each device one name for each of its services.
    counts : sequence of int
        Numbers of services of the devices.

    Raises
    ------
    ProblemError
        If there are more or fewer, one is no text, or empty, or two are the same.
    """
    if devices is not None:
        devices = _checked(devices, len(counts), "$.device_ids")
    if services is not None:
        if not isinstance(services, (tuple, list)) or len(services) != len(counts):
            raise ProblemError("$.service_ids", "expected one id for each service of each device")
        places = [f"$.service_ids[{m}]" for m in range(len(counts))]
        services = tuple(map(_checked, services, counts, places))
    return devices, services


def _checked(ids: Any, count: int, path: str) -> Names:
    if not isinstance(ids, (tuple, list)):
        raise ProblemError(path, f"expected {count} ids, got {shown(ids)}")
    if len(ids) != count:
        raise ProblemError(path, f"expected {count} ids, got {len(ids)}")
    for i, name in enumerate(ids):
        if not isinstance(name, str) or not name or not _is_unicode(name):
            expected = "a string of Unicode text that is not empty"
            raise ProblemError(f"{path}[{i}]", f"expected {expected}, got {shown(name)}")
    if len({*ids}) != count:
        duplicate = next(name for name in ids if ids.count(name) > 1)
        raise ProblemError(path, f"duplicate id {duplicate!r}")
    return tuple(ids)


def _is_unicode(name: str) -> bool:
    """Whether a text can be written: half a surrogate pair cannot."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
