"""JSON of few documents by the standard library, of many by pydantic_core, which is slow to import.

Both write the same bytes. What they read is for checks that follow, see `lyaopt.slot.documents`.
"""

from __future__ import annotations

import json
import sys
from json.encoder import encode_basestring
from typing import Any

_FEW = 200
_left = [_FEW]
"""Documents until pydantic_core is imported."""


def from_json(text: bytes | str) -> Any:
    """Parse JSON; NaN, infinities and repeated keys pass, of which the last counts.

    Parameters
    ----------
    text : bytes or str
        Bytes are UTF-8.

    Raises
    ------
    ValueError, RecursionError
        If it is not JSON, or nested too deep.
    """
    if _by_pydantic():
        from pydantic_core import from_json as parse

        return parse(text)
    return json.loads(text.decode() if isinstance(text, bytes) else text)


def to_json(value: Any) -> bytes:
    """Format plain Python values as compact JSON; floats with the fewest digits, or as NaN or Infinity.

    Parameters
    ----------
    value : object
        Dictionaries with keys of text, lists, text, numbers, booleans and None.
    """
    if _by_pydantic():
        from pydantic_core import to_json as format_value

        return format_value(value)
    return _format(value).encode()


def use_pydantic() -> None:
    """Use pydantic_core from the next document on: there will be many."""
    _left[0] = 0


def _by_pydantic() -> bool:
    if is_pydantic() or _left[0] <= 0:
        return True
    _left[0] -= 1
    return False


def is_pydantic() -> bool:
    """Whether the last document was read by pydantic_core, which does not read some texts that json reads."""
    return "pydantic_core" in sys.modules


def _format(value: Any) -> str:
    kind = type(value)
    if kind is float:
        return _number(value)
    if kind is str:
        return encode_basestring(value)
    if kind is dict:
        return (
            f"{{{','.join([f'{encode_basestring(key)}:{_format(inner)}' for key, inner in value.items()])}}}"
        )
    if kind is list or kind is tuple:
        return f"[{','.join(map(_format, value))}]"
    return json.dumps(value)


def _number(value: float) -> str:
    """As Python, but without leading zeros of an exponent, and 1e-5 with its zeros."""
    text = json.dumps(value)
    mantissa, mark, exponent = text.partition("e-0")
    if not mark:
        return text
    if exponent != "5":
        return f"{mantissa}e-{exponent}"
    sign, digits = ("-", mantissa[1:]) if value < 0.0 else ("", mantissa)
    return f"{sign}0.0000{digits.replace('.', '')}"
