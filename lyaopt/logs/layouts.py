"""Where a log has its times and values: layouts of public logs, and layouts of one's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.logs.units import TIME_UNITS, unit_of

KINDS = ("csv", "columns", "mahimahi")


@dataclass(frozen=True)
class Layout:
    """How to read a log.

    Attributes
    ----------
    kind : {"csv", "columns", "mahimahi"}
        A line of names, then cells between commas, semicolons or tabs; numbers between spaces without a line
        of names; or a millisecond in each line in which the link can carry a packet of 1500 bytes.
    time, value : str
        Names of columns, or their numbers from 1.
    unit : str
        Of the values, a name in `UNITS`.
    time_unit : str
        Of times that are numbers.
    length : str or None
        Column with the length of the interval that ends at the time; amounts of data need it.
    length_unit : str
        Of the lengths.
    """

    kind: str = "csv"
    time: str = "1"
    value: str = "2"
    unit: str = "Mbit/s"
    time_unit: str = "s"
    length: str | None = None
    length_unit: str = "ms"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ProblemError("$.format", f"expected one of {', '.join(KINDS)}, got {self.kind!r}")
        unit_of(self.unit)
        for name in ("time_unit", "length_unit"):
            unit = getattr(self, name)
            if unit not in TIME_UNITS:
                raise ProblemError(f"$.{name}", f"expected one of {', '.join(TIME_UNITS)}, got {unit!r}")


LAYOUTS = {
    "csv": Layout(),
    "columns": Layout("columns"),
    "mahimahi": Layout("mahimahi", unit="bit/s"),
    "pensieve": Layout("columns", "1", "2", "Mbit/s", "s"),
    "ghent-4g": Layout("columns", "2", "5", "B", "ms", "6", "ms"),
    "riiser-3g": Layout("columns", "2", "5", "B", "ms", "6", "ms"),
    "ucc-5g": Layout("csv", "Timestamp", "UL_bitrate", "kbit/s"),
}
"""By name: the three kinds, and public logs (docs/howto/import-a-log.md says where they are)."""


def layout_of(name: str, **changes: Any) -> Layout:
    """The layout of a name, with changes.

    Parameters
    ----------
    name : str
        As in `LAYOUTS`.
    **changes
        Fields of `Layout`; None leaves one as it is.

    Raises
    ------
    ProblemError
        If there is no such layout, or a field is wrong.
    """
    if name not in LAYOUTS:
        raise ProblemError("$.format", f"expected one of {', '.join(LAYOUTS)}, got {name!r}")
    return replace(LAYOUTS[name], **{field: value for field, value in changes.items() if value is not None})
