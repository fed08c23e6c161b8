"""All pictures: no text is cut at the edge or written over other text, and no legend hides data."""

from __future__ import annotations

from itertools import combinations

import pytest

pytest.importorskip("matplotlib")

import matplotlib
from matplotlib.figure import Figure
from matplotlib.text import Text

from lyaopt.io.figures import FORMATS, label_text, legend_over, new_figure, picture_bytes
from lyaopt.model.profiles import list_profiles
from lyaopt_cli.main import run

SHORT = ("--slots", "600", "--warmup", "100", "--seed", "3")
COMMANDS = {
    "a run": ("simulate", "--policy", "middle", "balanced", *SHORT),
    "a run without tasks": ("simulate", "balanced", "--slots", "2"),
    "many services": ("simulate", "--policy", "all-offload", "frame-rate", *SHORT),
    "policies": (
        "evaluate",
        "middle",
        "all-offload",
        "5,5,5,5,5,5,5,5",
        "balanced",
        *SHORT,
        "--replications",
        "2",
    ),
    **{f"profile {name}": ("profiles", name) for name in ("resnet18", "hand_landmark", "vgg16")},
}


@pytest.fixture
def drawn(monkeypatch):
    """Figures that were saved."""
    figures = []
    save = Figure.savefig

    def keep(figure, *args, **options):
        save(figure, *args, **options)
        figures.append(figure)

    monkeypatch.setattr(Figure, "savefig", keep)
    return figures


def texts_of(figure):
    found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    boxes = {text: text.get_window_extent() for text in found}
    inside = {}
    for axes in figure.axes:  # ticks beyond the limits exist, and are not drawn
        for axis in (axes.xaxis, axes.yaxis):
            shown = {tick.label1 for tick in axis._update_ticks()} | {
                tick.label2 for tick in axis._update_ticks()
            }
            all_ticks = [*axis.get_major_ticks(), *axis.get_minor_ticks()]
            inside |= {
                label: tick.label1 in shown for tick in all_ticks for label in (tick.label1, tick.label2)
            }
    return {text: box for text, box in boxes.items() if inside.get(text, True)}


def check(figure):
    with matplotlib.rc_context(FORMATS):
        figure.draw_without_rendering()  # places are those of the resolution
        boxes = texts_of(figure)
    width, height = figure.bbox.width, figure.bbox.height
    for text, box in boxes.items():
        within = box.x0 >= -1 and box.y0 >= -1 and box.x1 <= width + 1 and box.y1 <= height + 1
        assert within, f"{text.get_text()!r} is cut: {box} of {width} x {height}"
    level = [(text, box) for text, box in boxes.items() if text.get_rotation() == 0.0]
    for (one, box), (other, other_box) in combinations(level, 2):
        width = min(box.x1, other_box.x1) - max(box.x0, other_box.x0)
        height = min(box.y1, other_box.y1) - max(box.y0, other_box.y0)
        assert min(width, height) <= 2.0, f"{one.get_text()!r} is over {other.get_text()!r}"
    for legend in [*figure.legends, *(axes.get_legend() for axes in figure.axes if axes.get_legend())]:
        box = legend.get_window_extent()
        assert not any(box.overlaps(axes.bbox.padded(-1)) for axes in figure.axes), "a legend is over data"


@pytest.mark.parametrize("name", COMMANDS)
def test_no_text_is_cut_or_over_another(name, drawn, tmp_path):
    assert run([*COMMANDS[name], "--plot", str(tmp_path / "p.svg")]) == 0
    (figure,) = drawn
    check(figure)


@pytest.mark.parametrize("length", [5, 25, 60])
def test_legends_have_as_many_columns_as_fit(length, drawn):
    figure = new_figure(7.0, 5.0)
    axes = figure.subplots()
    lines = {label_text(f"{number} " + "n" * length): axes.plot([number])[0] for number in range(6)}
    legend_over(figure, lines)
    picture_bytes(figure, "svg")
    check(figure)


def test_the_check_finds_what_is_cut(drawn):
    figure = new_figure(3.0, 2.0)
    axes = figure.subplots()
    axes.set_ylabel("much too long for such a small figure")
    picture_bytes(figure, "svg")
    with pytest.raises(AssertionError, match="is cut"):
        check(figure)
    axes.set_ylabel("")
    axes.plot([0, 1], label="line")
    axes.legend()
    picture_bytes(figure, "svg")
    with pytest.raises(AssertionError, match="a legend is over data"):
        check(figure)


def test_shipped_profiles_are_drawn():
    assert {name.split()[1] for name in COMMANDS if name.startswith("profile ")} <= set(list_profiles())
