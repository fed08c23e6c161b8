"""Radio tables as JSON text: strict parsing, with the place of every error."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from lyaopt.io.json_tables import parse_table
from lyaopt.model.radios.table import RadioTable


def parse_radio(text: bytes | str) -> RadioTable:
    """Parse a radio table from JSON text.

    Unknown, missing and repeated keys, wrong types, NaN, infinities and negative numbers are refused.

    Parameters
    ----------
    text : bytes or str
        One JSON object; bytes are UTF-8.

    Raises
    ------
    DocumentError
        If the text is not JSON, or not exactly a radio table (see docs/reference/formats.md); with the path
        and line of the first error.
    """
    return parse_table(text, RadioTable, _adapter())


def radio_to_dict(table: RadioTable) -> dict[str, Any]:
    """Convert a radio table to its document, without a description if it has none.

    Parameters
    ----------
    table : RadioTable
        The table.
    """
    return {key: value for key, value in asdict(table).items() if value != ""}


@cache
def _adapter() -> TypeAdapter[RadioTable]:
    return TypeAdapter(RadioTable)
