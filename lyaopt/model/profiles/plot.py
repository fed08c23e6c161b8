"""A figure of a profile: bits across each cut, and MACs on the device (extra `plot`)."""

from __future__ import annotations

from pathlib import Path

from lyaopt.io.figures import label_text, legend_over, new_figure, picture_bytes, picture_format
from lyaopt.model.profiles.model import Profile

_WIDTH_PER_CUT_INCHES = 0.32


def draw_profile(profile: Profile, path: str | Path) -> bytes:
    """Draw bits and MACs by cut.

    Parameters
    ----------
    profile : Profile
        Profile to draw.
    path : str or Path
        Its suffix, .png or .svg, selects the format; nothing is written to it.

    Returns
    -------
    bytes
        The picture.

    Raises
    ------
    ProblemError
        If the suffix is another.
    MissingExtraError
        Without matplotlib (extra `plot`).
    """
    kind = picture_format(path)
    width = max(6.4, _WIDTH_PER_CUT_INCHES * len(profile.cuts))
    figure = new_figure(width, 4.8)
    sent = figure.subplots()
    places = range(len(profile.cuts))
    bars = sent.bar(places, [cut.bits / 1e6 for cut in profile.cuts], color="#7aa6c2")
    line = sent.axhline(profile.input_bits / 1e6, color="#7aa6c2", linestyle=":", linewidth=1)
    sent.set_ylabel("sent, Mbit")
    sent.set_xticks(places, [label_text(cut.after) for cut in profile.cuts], rotation=90, fontsize=7)
    sent.set_xlabel("cut after")
    macs = sent.twinx()
    (done,) = macs.plot(places, 100 * profile.mac_share, color="#b5482f", marker="o", markersize=3)
    macs.set_ylim(0, 105)
    macs.set_ylabel("MACs done, %")
    sent.set_title(f"{label_text(profile.name)}: {profile.total_macs / 1e6:.4g} MMAC", loc="left")
    legend_over(figure, {"sent across the cut": bars, "the input": line, "MACs on the device": done})
    return picture_bytes(figure, kind)
