"""Figures as files: their formats and their content (extra `plot`)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.io.extras import needs_extra

_LONGEST = 60
"""Characters of a label: longer ones would leave no room for the data."""
_FORMATS = {".png": "png", ".svg": "svg"}


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


def legend_above(axes: Any) -> None:
    """Place the legend of `axes` above their right end: inside, it would hide data.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The axes.
    """
    axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=3, frameon=False, borderaxespad=0.2)


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

    # A fixed salt for ids and no date: pictures in a repository change only with their content. Logarithmic
    # axes of seconds and millijoules say 20, not 2 x 10^1.
    with matplotlib.rc_context({"svg.hashsalt": "lyaopt", "axes.formatter.min_exponent": 3}):
        picture = BytesIO()
        figure.savefig(picture, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return picture.getvalue()
