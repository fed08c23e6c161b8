"""A figure of a profile: what each cut sends, and what it leaves on the device (extra `plot`)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from lyaopt.profiles.graph import ProfileError
from lyaopt.profiles.model import Profile

_FORMATS = {".png": "png", ".svg": "svg"}
_WIDTH_PER_CUT_INCHES = 0.32


def draw_profile(profile: Profile, path: str | Path) -> bytes:
    """Draw bits and MACs by cut.

    Parameters
    ----------
    profile : Profile
        What to draw.
    path : str or Path
        Where the figure will stand; its ending, .png or .svg, says what it becomes.

    Returns
    -------
    bytes
        The picture.

    Raises
    ------
    ProfileError
        When the ending is another, or matplotlib is missing.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in _FORMATS:
        raise ProfileError(f"expected a figure that ends in .png or .svg, got {str(path)!r}")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ProfileError("a figure needs the extra: pip install 'lyaopt[plot]'") from None
    width = max(6.4, _WIDTH_PER_CUT_INCHES * len(profile.cuts))
    figure = Figure(figsize=(width, 4.8), layout="constrained")
    sent = figure.subplots()
    places = range(len(profile.cuts))
    sent.bar(places, [cut.bits / 1e6 for cut in profile.cuts], color="#7aa6c2")
    sent.axhline(profile.input_bits / 1e6, color="#7aa6c2", linestyle=":", linewidth=1)
    sent.set_ylabel("sent across the cut, Mbit (bars; dotted: the input)")
    sent.set_xticks(places, [cut.after for cut in profile.cuts], rotation=90, fontsize=7)
    sent.set_xlabel("cut after")
    work = sent.twinx()
    work.plot(places, 100 * profile.mac_share, color="#b5482f", marker="o", markersize=3)
    work.set_ylim(0, 105)
    work.set_ylabel("MACs on the device, % (line)")
    sent.set_title(f"{profile.name}: {profile.total_macs / 1e6:.4g} MMAC")
    picture = BytesIO()
    figure.savefig(picture, format=_FORMATS[suffix], dpi=150)
    return picture.getvalue()
