"""Names written beside points of a figure, where there is room (extra `plot`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from lyaopt.io.figures import FORMATS, label_text

_SIZE, _LINE, _GAP = 9, 12.0, 7.0
"""Points: size of the letters, height of a line, and distance from the point's middle."""
_MOST_LINES = 40
_Box = tuple[float, float, float, float]


def name_points(axes: Any, named: Iterable[tuple[str, float, float]]) -> None:
    """Write the names of points beside them: within the axes, and none over another as far as there is room.

    The limits, labels and legends of the axes are final.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        The axes.
    named : iterable of (str, float, float)
        Names, and places in units of the data. Earlier ones are placed first.
    """
    import matplotlib

    texts = [_text(axes, name, place) for name, *place in named]
    figure = axes.figure
    with matplotlib.rc_context(FORMATS):
        figure.draw_without_rendering()
    points = 72.0 / figure.dpi
    frame, taken = _scaled(axes.bbox.extents, points), list[_Box]()
    for text in texts:
        x, y = (value * points for value in axes.transData.transform(text.xy))
        left, low, right, high = _scaled(text.get_window_extent().extents, points)
        box = _free_place((x, y), (right - left, high - low), frame, taken)
        taken.append(box)
        text.set_position((box[0] - x, box[1] - y))


def _text(axes: Any, name: str, place: Sequence[float]) -> Any:
    # Not of the layout: a name at the edge would push the axes aside.
    style = {"fontsize": _SIZE, "va": "bottom", "ha": "left", "in_layout": False, "annotation_clip": False}
    return axes.annotate(
        label_text(name), tuple(place), xytext=(_GAP, 0.0), textcoords="offset points", **style
    )


def _scaled(extents: Any, points: float) -> _Box:
    left, low, right, high = (float(value) * points for value in extents)
    return left, low, right, high


def _free_place(
    point: tuple[float, float], size: tuple[float, float], frame: _Box, taken: Sequence[_Box]
) -> _Box:
    """The first place near a point that is free, else the first of all."""
    places = list(_places(point, size, frame))
    return next((place for place in places if not any(_overlap(place, one) for one in taken)), places[0])


def _places(point: tuple[float, float], size: tuple[float, float], frame: _Box) -> Iterator[_Box]:
    """Places on the right and the left of a point, then lines above and below, all within the frame."""
    (x, y), (width, height) = point, size
    sides = x + _GAP, x - _GAP - width
    fitting = [side for side in sides if frame[0] <= side and side + width <= frame[2]]
    centred = min(max(x + _GAP, frame[0]), frame[2] - width)
    for line in range(_MOST_LINES):
        for bottom in (y + 2.0 + line * _LINE, y - 2.0 - height - line * _LINE):
            low = min(max(bottom, frame[1]), frame[3] - height)
            for side in fitting or [centred]:
                yield side, low, side + width, low + height


def _overlap(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
