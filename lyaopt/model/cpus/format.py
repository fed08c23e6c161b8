"""CPU tables as JSON text: strict parsing, with the place of every error."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from lyaopt.errors import DocumentError
from lyaopt.io import strict_json
from lyaopt.io.field_errors import errors_of
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
    with strict_json.document_errors():
        decoded = strict_json.decode(text)
        data = strict_json.parse(decoded)
    errors = strict_json.duplicate_keys(data)
    if not errors:
        try:
            return _adapter().validate_python(data)
        except ValidationError as failure:
            errors = errors_of(CpuTable, failure)
    shown = [(strict_json.show_path(path), reason) for path, reason in errors]
    raise DocumentError(shown, strict_json.line_of(decoded, errors[0][0]))


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
