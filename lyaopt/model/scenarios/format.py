"""Scenarios as text: strict parsing of TOML and JSON, with the place of every error, and formatting."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lyaopt.errors import DocumentError, ProblemError
from lyaopt.io import strict_json, toml_text
from lyaopt.io.field_errors import errors_of, unknown_key
from lyaopt.model.cpus import cpu_names
from lyaopt.model.profiles import Profile, list_profiles
from lyaopt.model.radios import radio_names
from lyaopt.model.system import Arrivals, Channel, Device, Learning, System

_Errors = list[tuple[strict_json.Path, str]]

# All other fields of a `System` are in the section `[system]`.
_PARTS: dict[str, type] = {"channel": Channel, "arrivals": Arrivals, "learning": Learning}
_SECTIONS = ("system", *_PARTS, "edges", "devices")
_SCALARS = tuple(item.name for item in fields(System) if item.name not in _SECTIONS)


def parse_scenario(text: bytes | str, folder: str | Path = ".") -> System:
    """Parse a scenario.

    Parameters
    ----------
    text : bytes or str
        TOML, or one JSON object (recognised by its first bracket); bytes are UTF-8.
    folder : str or Path
        Folder of the scenario's file, from which relative paths of profiles start.

    Returns
    -------
    System
        Its profiles have paths relative to the working directory, as `folder` has.

    Raises
    ------
    DocumentError
        If the text is not exactly a scenario (see docs/reference/formats.md).
    """
    with strict_json.document_errors():
        decoded = strict_json.decode(text)
        is_json = decoded.lstrip().startswith("{")
        data = strict_json.parse(decoded) if is_json else toml_text.parse(decoded)
    errors = strict_json.duplicate_keys(data)
    errors += _section_errors(data)
    if not errors:
        try:
            return _adapter().validate_python(_flat(data, Path(folder)))
        except ValidationError as failure:
            errors = [(_in_file(path), reason) for path, reason in errors_of(System, failure)]
    line = (strict_json.line_of if is_json else toml_text.line_of)(decoded, errors[0][0])
    raise DocumentError([(strict_json.show_path(path), reason) for path, reason in errors], line)


@cache
def _adapter() -> TypeAdapter[System]:
    return TypeAdapter(System)


def _section_errors(data: Any) -> _Errors:
    """Errors of the sections and of the keys of `[system]`, which a `System` does not distinguish."""
    if not isinstance(data, dict):
        return [((), f"expected an object, got {strict_json.show_value(data)}")]
    errors: _Errors = [((key,), unknown_key(key, _SECTIONS)) for key in data if key not in _SECTIONS]
    system = data.get("system", {})
    if isinstance(system, dict):
        errors += [(("system", key), unknown_key(key, _SCALARS)) for key in system if key not in _SCALARS]
    else:
        errors.append((("system",), f"expected an object, got {strict_json.show_value(system)}"))
    nulls = [(path, "expected a value or no such key, got null") for path in _nulls(data, ())]
    return errors + nulls


def _nulls(value: Any, path: strict_json.Path) -> Iterator[strict_json.Path]:
    # In Python None means "not set"; a file omits the key.
    if value is None:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, child in items:
        yield from _nulls(child, (*path, step))


def _flat(data: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The arguments of a `System`, with paths of profiles relative to the working directory."""
    arguments = {**data.get("system", {}), **data}
    arguments.pop("system", None)
    if "devices" in data:
        arguments["devices"] = _located(data["devices"], folder, list_profiles())
    return arguments


def _located(value: Any, folder: Path, shipped: Collection[str]) -> Any:
    if isinstance(value, list):
        return [_located(item, folder, shipped) for item in value]
    if not isinstance(value, dict):
        return value
    model, law = value.get("model"), value.get("arrivals")
    if isinstance(law, dict) and isinstance(law.get("times"), str) and law["times"]:
        value = value | {"arrivals": law | {"times": str(folder / law["times"])}}
    if isinstance(model, str) and model and model not in shipped:
        return value | {"model": str(folder / model)}
    return value | {name: _located(value[name], folder, shipped) for name in ("services",) if name in value}


def _in_file(path: strict_json.Path) -> strict_json.Path:
    return ("system", *path) if path[:1] and path[0] in _SCALARS else path


def scenario_to_dict(system: System) -> dict[str, Any]:
    """Convert a system to a scenario document, with all defaults.

    Raises
    ------
    ProblemError
        If a service runs a profile that is in no file.

    Parameters
    ----------
    system : System
        The system.
    """
    parts = {name: _set_values(getattr(system, name)) for name in _PARTS}
    devices = []
    for m, device in enumerate(system.devices):
        services = [_set_values(service) for service in device.services]
        for n, service in enumerate(services):
            if isinstance(service["model"], Profile):
                place = f"$.devices[{m}].services[{n}].model"
                raise ProblemError(place, "expected a name or a path, got a profile that is in no file")
            if service["work"] == "macs":  # as where the key is left out: documents stay as they were
                del service["work"]
            for name in ("arrivals", "task_size"):
                if name in service:
                    service[name] = _set_values(service[name])
            if service["arrivals"] == {"kind": "poisson"}:
                del service["arrivals"]
        known = _set_values(device)
        if device.idle_power_w == 0.0:
            del known["idle_power_w"]
        devices.append({**known, **_measured(device), "services": services})
    scalars = {name: value for name, value in _set_values(system).items() if name in _SCALARS}
    edges = {} if system.edges is None else {"edges": [_set_values(edge) for edge in system.edges]}
    return {"system": scalars, **parts, **edges, "devices": devices}


def _measured(device: Device) -> dict[str, Any]:
    """The tables of a device: what it does not have is no key."""
    found: dict[str, Any] = {}
    if device.cpu_points is not None:
        found["cpu_points"] = [_set_values(point) for point in device.cpu_points]
    if device.radio is not None:
        values = _set_values(device.radio)
        needed = ("rate_bps", "power_w")
        found["radio"] = {name: value for name, value in values.items() if name in needed or value != 0.0}
    if device.edges is not None:
        found["edges"] = [_set_values(link) for link in device.edges]
    return found


def _set_values(item: Any) -> dict[str, Any]:
    names = sorted((entry.name for entry in fields(item)), key=lambda name: name != "id")  # the id first
    values = {name: getattr(item, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def format_scenario(system: System) -> str:
    """Format a scenario as TOML, with all defaults; parsing it gives an equal system.

    Raises
    ------
    ProblemError
        As `scenario_to_dict` does.

    Parameters
    ----------
    system : System
        The system.
    """
    return toml_text.format_toml(scenario_to_dict(system))


def _allow_names(definitions: dict[str, Any]) -> None:
    """Let names of shipped CPUs and radios stand for their numbers, see `lyaopt.model.known_hardware`."""
    device, radio = definitions["Device"]["properties"], definitions["MeasuredRadio"]
    radios = {"type": "string", "enum": list(radio_names())}
    device["cpu_points"]["anyOf"].append({"type": "string", "enum": list(cpu_names())})
    device["radio"]["anyOf"].append(radios)
    radio["properties"]["model"] = radios | {"description": "Radio whose numbers are not stated anew."}
    radio["anyOf"] = [{"required": radio.pop("required")}, {"required": ["model"]}]


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a scenario."""
    flat = _adapter().json_schema()
    system = {name: flat["properties"].pop(name) for name in _SCALARS}
    section = {
        "type": "object",
        "additionalProperties": False,
        "properties": system,
        "description": "Settings of the whole system.",
    }
    flat["$defs"]["SystemSection"] = section
    _allow_names(flat["$defs"])
    flat["properties"] = {"system": {"$ref": "#/$defs/SystemSection"}, **flat["properties"]}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **flat, "title": "Scenario"}
