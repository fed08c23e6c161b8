"""CPU tables as JSON text: strict parsing, with the place of every error."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter

from lyaopt.io.json_tables import parse_table
from lyaopt.model.cpus.table import CpuTable


def parse_cpu(text: bytes | str) -> CpuTable:
    """Parse a CPU table from JSON text.

    Unknown, missing and repeated keys, wrong types, NaN, infinities, numbers that are not positive and
    frequencies that do not increase are refused.

    Parameters
    ----------
    text : bytes or str
        One JSON object; bytes are UTF-8.

    Raises
    ------
    DocumentError
        If the text is not JSON, or not exactly a CPU table (see docs/reference/formats.md); with the path and
        line of the first error.
    """
    return parse_table(text, CpuTable, _adapter())


def cpu_to_dict(table: CpuTable) -> dict[str, Any]:
    """Convert a CPU table to its document, without a description if it has none.

    Parameters
    ----------
    table : CpuTable
        The table.
    """
    return {key: value for key, value in asdict(table).items() if value != ""}


@cache
def _adapter() -> TypeAdapter[CpuTable]:
    return TypeAdapter(CpuTable)
