"""Figures as files: their formats and their content (extra `plot`)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.io.extras import needs_extra

_LONGEST = 60
"""Characters of a label: longer ones would leave no room for the data."""
_FORMATS = {".png": "png", ".svg": "svg"}
FORMATS: dict[Any, Any] = {"axes.formatter.min_exponent": 4}
"""Settings of matplotlib: logarithmic axes of seconds and millijoules say 0.001 and 20, not 10^-3 and 2e1."""


def picture_format(path: str | Path) -> str:
    """Return ``png`` or ``svg``, by the suffix of the file's name.

    Parameters
    ----------
    path : str or Path
        Path of the figure.

    Raises
    ------
    ProblemError
        If the suffix is another, or matplotlib cannot start.
    MissingExtraError
        Without matplotlib (extra `plot`).
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ProblemError("$", f"expected a figure that ends in .png or .svg, got {str(path)!r}")
    need_matplotlib()
    return _FORMATS[suffix]


def need_matplotlib() -> None:
    """Check that matplotlib can be imported.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    ProblemError
        If it cannot start.
    """
    try:
        with needs_extra("plot"):
            import matplotlib  # noqa: F401
    except ValueError as error:  # MPLBACKEND names an unknown backend
        raise ProblemError("$", f"matplotlib cannot start: {' '.join(str(error).split())}") from None


def new_figure(width_inches: float, height_inches: float) -> Any:
    """An empty matplotlib figure that needs no display, `width_inches` by `height_inches`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def label_text(name: Any) -> str:
    """Format a `name` as a label: no formula of matplotlib, not hidden from the legend, in one short line."""
    line = " ".join(str(name).split())
    line = line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
    line = line.replace("$", r"\$")
    line = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line)
    return f" {line}" if line.startswith("_") else line


_HANDLE_INCHES, _LETTER_INCHES = 0.55, 0.085
"""Room of a legend's entry: for its line, and for each letter, in the widest of usual fonts."""


def _columns(names: Iterable[str], width_inches: float, most: int) -> int:
    """Columns of a legend that fit into a width."""
    entry = _HANDLE_INCHES + _LETTER_INCHES * max(map(len, names), default=0)
    return max(1, min(most, int(width_inches / entry)))


def legend_above(axes: Any) -> None:
    """Place the legend of `axes` above their right end: inside, it would hide data.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The axes.
    """
    names = axes.get_legend_handles_labels()[1]
    width = axes.get_position().width * axes.figure.get_figwidth()
    place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "borderaxespad": 0.2}
    axes.legend(ncols=_columns(names, width, 3), frameon=False, **place)


def legend_over(figure: Any, entries: Mapping[str, Any]) -> None:
    """Place a legend above all axes of a figure, in as many columns as fit.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    entries : mapping
        Lines by their names.
    """
    columns = _columns(entries, figure.get_figwidth(), 4)
    place = {"loc": "outside upper center", "frameon": False, "fontsize": 9}
    figure.legend(list(entries.values()), list(entries), ncols=columns, **place)


def entries_of(axes: Any) -> dict[str, Any]:
    """The lines of `axes` that have names, by their names."""
    handles, names = axes.get_legend_handles_labels()
    return dict(zip(names, handles, strict=True))


def picture_bytes(figure: Any, kind: str) -> bytes:
    """A `figure` as the content of a file of this `kind`; equal figures give equal bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    kind : {"png", "svg"}
        As `picture_format` returns it.
    """
    import matplotlib

    # A fixed salt for ids and no date: pictures in a repository change only with their content.
    with matplotlib.rc_context({"svg.hashsalt": "lyaopt"} | FORMATS):
        picture = BytesIO()
        figure.savefig(picture, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return picture.getvalue()
