"""Metrics of the controller as a text file for Prometheus's node_exporter (its textfile collector)."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections import Counter
from pathlib import Path

BUCKETS_S = (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1, 1.0)


class Metrics:
    """Counts since the start; `write` puts them into a file that is whole at any time."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._decisions: Counter[str] = Counter()
        self._late = 0
        self._buckets = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0

    def decided(self, by: str, seconds: float | None, late: bool) -> None:
        """Count a period: who decided, the time from its begin to the decision, and whether it was late."""
        self._decisions[by] += 1
        self._late += late
        if seconds is not None:
            self._buckets[bisect_left(BUCKETS_S, seconds)] += 1
            self._seconds += seconds

    def write(self, connected: bool, connections: int, present: int) -> None:
        """Write the file beside its place, and move it there."""
        lines = ["# TYPE controller_decisions_total counter"]
        lines += [f'controller_decisions_total{{by="{by}"}} {n}' for by, n in sorted(self._decisions.items())]
        lines += ["# TYPE controller_decision_seconds histogram"]
        total = 0
        for bound, count in zip((*map(str, BUCKETS_S), "+Inf"), self._buckets, strict=True):
            total += count
            lines.append(f'controller_decision_seconds_bucket{{le="{bound}"}} {total}')
        lines += [
            f"controller_decision_seconds_sum {self._seconds!r}",
            f"controller_decision_seconds_count {total}",
        ]
        for name, kind, value in (
            ("controller_missed_deadlines_total", "counter", self._late),
            ("controller_server_connections_total", "counter", connections),
            ("controller_server_connected", "gauge", int(connected)),
            ("controller_devices_present", "gauge", present),
        ):
            lines += [f"# TYPE {name} {kind}", f"{name} {value}"]
        new = self._path.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n")
        os.replace(new, self._path)
