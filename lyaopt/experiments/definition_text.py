"""Write the definition of a sweep as the TOML that `lyaopt sweep` reads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def definition_text(definition: Mapping[str, Any]) -> str:
    """Format a definition as TOML.

    Parameters
    ----------
    definition : mapping
        As the document of an experiment holds it; values that are None are left out, as TOML has none.

    Returns
    -------
    str
        What `lyaopt.experiments.definition.parse_sweep` reads.
    """
    return "\n".join(_table(definition, ())).strip("\n") + "\n"


def _table(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    inner = {name: value for name, value in table.items() if isinstance(value, Mapping) and value}
    for name, value in table.items():
        if name not in inner and value is not None and value != {}:
            yield f"{_key(name)} = {_value(value)}"
    for name, value in inner.items():
        place = (*path, _key(name))
        yield ""
        yield f"[{'.'.join(place)}]"
        yield from _table(value, place)


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _value(name)


def _value(value: Any) -> str:
    # Strings, numbers and lists of JSON are those of TOML, but for the control character DEL.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
