"""Latencies of a run beside those of its simulation."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.live.replay_log import Prediction
from lyaopt.live.task_log import TaskRecord

_P95 = 95.0


@dataclass(frozen=True)
class Row:
    """Latencies of some tasks, measured and predicted.

    Attributes
    ----------
    cut : int or None
        Theirs; None for all cuts.
    device, service : int or None
        Theirs; None for all.
    tasks : int
        Done in both.
    measured_mean_s, predicted_mean_s, measured_p95_s, predicted_p95_s : float
    """

    cut: int | None
    device: int | None
    service: int | None
    tasks: int
    measured_mean_s: float
    predicted_mean_s: float
    measured_p95_s: float
    predicted_p95_s: float

    @property
    def mean_difference(self) -> float:
        """Predicted over measured mean, less 1."""
        return self.predicted_mean_s / self.measured_mean_s - 1.0

    @property
    def p95_difference(self) -> float:
        """Predicted over measured 95th percentile, less 1."""
        return self.predicted_p95_s / self.measured_p95_s - 1.0

    def document(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "device": self.device,
            "service": self.service,
            "cut": self.cut,
            "tasks": self.tasks,
            "measured_s": {"mean": self.measured_mean_s, "p95": self.measured_p95_s},
            "predicted_s": {"mean": self.predicted_mean_s, "p95": self.predicted_p95_s},
            "difference": {"mean": self.mean_difference, "p95": self.p95_difference},
        }


def measured_latencies(records: Iterable[TaskRecord]) -> Floats:
    """Latencies of `records` in seconds, NaN in flight."""
    return np.array([math.nan if r.latency_s is None else r.latency_s for r in records], np.float64)


def compare(prediction: Prediction) -> list[Row]:
    """Compare all tasks, and those of each service by cut; tasks that were not done in both are left out.

    Parameters
    ----------
    prediction : Prediction
        Of the tasks of a log.

    Returns
    -------
    list of Row
        First that of all tasks; none where nothing was done.
    """
    records = prediction.records
    measured, predicted = measured_latencies(records), prediction.latency_s
    both = ~(np.isnan(measured) | np.isnan(predicted))
    key = np.array([(r.device, r.service, r.cut) for r in records], np.int64).reshape(-1, 3)
    if not both.any():
        return []
    rows = [_row((None, None, None), measured[both], predicted[both])]
    for device, service, cut in np.unique(key[both], axis=0).tolist():
        these = both & (key == (device, service, cut)).all(axis=1)
        rows.append(_row((device, service, cut), measured[these], predicted[these]))
    return rows


def _row(of: tuple[int | None, int | None, int | None], measured: Floats, predicted: Floats) -> Row:
    device, service, cut = of
    return Row(
        cut,
        device,
        service,
        len(measured),
        float(measured.mean()),
        float(predicted.mean()),
        float(np.percentile(measured, _P95)),
        float(np.percentile(predicted, _P95)),
    )
