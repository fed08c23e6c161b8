"""Tables of data in JSON: strict parsing into a pydantic dataclass, with the place of every error."""

from __future__ import annotations

from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from lyaopt.errors import DocumentError
from lyaopt.io import strict_json
from lyaopt.io.field_errors import errors_of

_Table = TypeVar("_Table")


def parse_table(text: bytes | str, kind: type[_Table], adapter: TypeAdapter[_Table]) -> _Table:
    """Parse one JSON object.

    Parameters
    ----------
    text : bytes or str
        Bytes are UTF-8.
    kind : type
        Pydantic dataclass of the object.
    adapter : pydantic.TypeAdapter
        Of the same.

    Raises
    ------
    DocumentError
        If the text is not JSON, or not exactly such an object; with the path and line of the first error.
    """
    with strict_json.document_errors():
        decoded = strict_json.decode(text)
        data = strict_json.parse(decoded)
    errors = strict_json.duplicate_keys(data)
    if not errors:
        try:
            return adapter.validate_python(data)
        except ValidationError as failure:
            errors = errors_of(kind, failure)
    shown = [(strict_json.show_path(path), reason) for path, reason in errors]
    raise DocumentError(shown, strict_json.line_of(decoded, errors[0][0]))
