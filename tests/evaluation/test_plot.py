"""The picture of an evaluation shows each kind of energy as what it is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lyaopt.evaluation import evaluate
from lyaopt.model.system import Device, MeasuredRadio, Service, System
from lyaopt.policies import make_policy

pytest.importorskip("matplotlib", reason="pictures need the extra lyaopt[plot]")

PLAIN = Device(200.0, (Service("mobilenetv2", 3.0),))
MEASURED = replace(PLAIN, radio=MeasuredRadio(5e6, 1.0, tail_s=0.3, tail_power_w=0.5), idle_power_w=0.2)


def bars_of(device: Device) -> dict[str, np.ndarray]:
    """Lengths of the bars by their label, in mJ, of `middle` and `all-offload`."""
    from lyaopt.evaluation.plot import _draw_energy
    from lyaopt.io.figures import new_figure

    system = System((device,))
    policies = [make_policy(name, system) for name in ("middle", "all-offload")]
    # Of two replications, the interquartile mean is the mean, which adds up.
    scores = evaluate(system, policies, slots=3000, warmup=100, replications=2).scores
    axes = new_figure(6.0, 3.0).subplots()
    _draw_energy(axes, scores)
    bars = dict(zip(axes.get_legend_handles_labels()[1], axes.containers, strict=False))
    found = {label: np.array([bar.get_width() for bar in group]) for label, group in bars.items()}
    ends = np.array([bar.get_x() + bar.get_width() for bar in list(bars.values())[-1]])
    np.testing.assert_allclose(ends, [1e3 * score.energy_j.mean() for score in scores], rtol=1e-12)
    of_kind = {"local": "local", "transmit": "transmit", "tails of radios": "tail", "idle": "idle"}
    for label, lengths in found.items():
        energies = [1e3 * getattr(score, f"{of_kind[label]}_energy_j").mean() for score in scores]
        np.testing.assert_allclose(lengths, energies, rtol=1e-9, atol=1e-12)
    return found


def test_bars_are_those_of_their_kind_of_energy() -> None:
    found = bars_of(MEASURED)
    assert list(found) == ["local", "transmit", "tails of radios", "idle"]
    assert (found["tails of radios"] > 0.0).all()
    assert found["idle"] == pytest.approx(2.0)


def test_kinds_that_there_are_not_are_not_drawn() -> None:
    assert list(bars_of(PLAIN)) == ["local", "transmit"]
