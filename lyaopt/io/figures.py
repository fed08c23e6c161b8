"""Figures as files: which kinds there are, and how one becomes bytes (extra `plot`)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.io.extras import needs_extra

_FORMATS = {".png": "png", ".svg": "svg"}


def picture_format(path: str | Path) -> str:
    """``png`` or ``svg``, as the file's name ends.

    Parameters
    ----------
    path : str or Path
        Where the figure will stand.

    Raises
    ------
    ProblemError
        If it ends otherwise, or matplotlib refuses to start.
    MissingExtraError
        Without matplotlib (extra `plot`).
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ProblemError("$", f"expected a figure that ends in .png or .svg, got {str(path)!r}")
    need_matplotlib()
    return _FORMATS[suffix]


def need_matplotlib() -> None:
    """Import matplotlib, or say why not.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    ProblemError
        If it refuses to start.
    """
    try:
        with needs_extra("plot"):
            import matplotlib  # noqa: F401
    except ValueError as error:  # a backend in the environment that it does not know
        raise ProblemError("$", f"matplotlib refuses to start: {' '.join(str(error).split())}") from None


def new_figure(width_inches: float, height_inches: float) -> Any:
    """An empty matplotlib figure that needs no display, `width_inches` by `height_inches`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), layout="constrained")


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

    # A fixed salt for the ids and no date: pictures in a repository change only when what they show does.
    with matplotlib.rc_context({"svg.hashsalt": "lyaopt"}):
        picture = BytesIO()
        figure.savefig(picture, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return picture.getvalue()
