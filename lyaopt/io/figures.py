"""Figures as files: which kinds there are, and how one becomes bytes (extra `plot`)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

from lyaopt.errors import ProblemError

_FORMATS = {".png": "png", ".svg": "svg"}


def picture_format(path: str | Path) -> str:
    """``png`` or ``svg``, as the file's name ends.

    Raises
    ------
    ProblemError
        If it ends otherwise, or matplotlib is missing.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ProblemError("$", f"expected a figure that ends in .png or .svg, got {str(path)!r}")
    need_matplotlib()
    return _FORMATS[suffix]


def need_matplotlib() -> None:
    """Raise `ProblemError` if matplotlib is missing, or refuses to start."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ProblemError("$", "a figure needs the extra: pip install 'lyaopt[plot]'") from None
    except ValueError as error:  # a backend in the environment that it does not know
        raise ProblemError("$", f"matplotlib refuses to start: {' '.join(str(error).split())}") from None


def new_figure(width_inches: float, height_inches: float) -> Any:
    """An empty figure that needs no display."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width_inches, height_inches), layout="constrained")


def picture_bytes(figure: Any, kind: str) -> bytes:
    """The figure as a file; equal figures give equal bytes."""
    import matplotlib

    # A fixed salt for the ids and no date: pictures in a repository change only when what they show does.
    with matplotlib.rc_context({"svg.hashsalt": "lyaopt"}):
        picture = BytesIO()
        figure.savefig(picture, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return picture.getvalue()
