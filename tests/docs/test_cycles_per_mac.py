"""How far a MAC is from a constant number of cycles: the figures, and their table in the documents."""

from __future__ import annotations

import pytest

from benchmarks.cycles_per_mac import Row, figures, networks, read, table
from lyaopt.model.profiles import list_profiles, load_profile
from tests.support.documented import ROOT


def rows(macs, heads, tails):
    """Rows of a network on a CPU of 1 GHz."""
    times = zip(macs, heads, tails, strict=True)
    return [
        Row("net", "CPU", "runtime", 1e9, 3, k, f"layer{k}", count, head, 0.0, tail, 0.0)
        for k, (count, head, tail) in enumerate(times)
    ]


def test_figures_of_a_network_of_two_kinds_of_layers():
    """A tenth of the MACs takes half of the time: a constant is off by 40 % of the work."""
    found = figures(rows([0, 900, 1000], [0.0, 5e-6, 1e-5], [1e-5, 6e-6, 0.0]))
    assert found["whole"] == pytest.approx(1e4 / 1000)
    assert found["least"] == pytest.approx((5e3 + 4e3) / 2 / 900)
    assert found["most"] == pytest.approx((5e3 + 6e3) / 2 / 100)
    assert found["off"] == pytest.approx(0.4)
    assert found["longer"] == pytest.approx(0.1)


def test_a_constant_is_not_off():
    found = figures(rows([0, 200, 1000], [0.0, 2e-6, 1e-5], [1e-5, 8e-6, 0.0]))
    assert found["least"] == pytest.approx(found["most"])
    assert found["off"] == pytest.approx(0.0)


def test_small_pieces_are_joined_to_others():
    """A cut after 99.5 % of the MACs ends no piece, nor do cuts that are 1 % apart."""
    found = figures(
        rows([0, 500, 510, 995, 1000], [0.0, 4e-6, 5e-6, 9e-6, 1e-5], [1e-5, 6e-6, 5e-6, 1e-6, 0.0])
    )
    assert found["least"] == pytest.approx(4e3 / 500)
    assert found["most"] == pytest.approx(6e3 / 500)


def test_the_table_in_the_documents_is_the_one_of_the_file():
    assert table(read()) in (ROOT / "docs/reference/profiles.md").read_text()


def test_networks_are_the_shipped_ones():
    for name, runtime, group in networks(read()):
        assert name in list_profiles()
        assert [row.k for row in group] == list(range(len(group)))
        if runtime.startswith("torch"):
            assert [row.macs for row in group] == [cut.macs for cut in load_profile(name).cuts]
