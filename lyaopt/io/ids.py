"""Names of devices and services: unique, or counted by position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lyaopt.io import strict_json

# Ragged services are padded with zeros: one long device among many short ones must not exhaust the memory.
MAX_PADDED_SERVICES = 2**24


def structure_errors(devices: list[dict[str, Any]]) -> list[tuple[strict_json.Path, str]]:
    """Path and reason of duplicate ids (at most `MOST_ERRORS`), and of services too many once padded.

    Parameters
    ----------
    devices : list of dict
        Each with its ``services``, and with an ``id`` if it has a name.
    """
    from lyaopt.io import strict_json  # late: most documents have no errors

    errors = _repeated_ids(("devices",), "device", devices)
    for m, device in enumerate(devices):
        if len(errors) >= strict_json.MOST_ERRORS:
            break
        errors += _repeated_ids(("devices", m, "services"), "service", device["services"])
    most = max((len(device["services"]) for device in devices), default=0)
    if most * len(devices) > MAX_PADDED_SERVICES:
        got = f"{len(devices)} x {most}"
        expected = f"at most {MAX_PADDED_SERVICES} devices x most services on one"
        errors.append((("devices",), f"expected {expected}, got {got}"))
    return errors


def ids_by_position(kind: str, items: list[dict[str, Any]]) -> tuple[str, ...]:
    """Names of devices or services; those without one are counted, as in ``device-0``.

    Parameters
    ----------
    kind : str
        "device" or "service".
    items : list of dict
        With an ``id`` each, if it has a name.
    """
    return tuple([item.get("id", f"{kind}-{n}") for n, item in enumerate(items)])


def _repeated_ids(
    path: strict_json.Path, kind: str, items: list[dict[str, Any]]
) -> list[tuple[strict_json.Path, str]]:
    from lyaopt.io import strict_json

    first: dict[str, int] = {}
    errors: list[tuple[strict_json.Path, str]] = []
    for index, name in enumerate(ids_by_position(kind, items)):
        if first.setdefault(name, index) != index:
            place: strict_json.Path = (*path, index, "id") if "id" in items[index] else (*path, index)
            errors.append((place, f"duplicate id {strict_json.show_value(name)} of a {kind}"))
            if len(errors) == strict_json.MOST_ERRORS:
                break
    return errors
