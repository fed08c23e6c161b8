"""Counts and times of a server, as text in the format of Prometheus."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator

BUCKETS_S = (
    *(1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3),
    *(1e-2, 2e-2, 5e-2, 0.1, 0.2, 0.5, 1.0),
)
"""Upper ends of the buckets of the histogram, in seconds."""
_BUCKETS_NS = tuple(round(1e9 * bucket) for bucket in BUCKETS_S)


class Metrics:
    """What a server has done since its start.

    Parameters
    ----------
    present : callable
        Returns how many clients are connected, and how many of them have sent their system.
    """

    def __init__(self, present: Callable[[], tuple[int, int]]) -> None:
        self._present = present
        self._requests: Counter[tuple[str, str]] = Counter()
        self._times: dict[str, list[int]] = {}
        self._sums: Counter[str] = Counter()
        self._disconnected: Counter[str] = Counter()
        self._connected = 0

    def answered(self, kind: str, status: str, nanoseconds: int) -> None:
        """Count a request.

        Parameters
        ----------
        kind, status : str
            Words of `lyaopt.serve.frames.KINDS` and `STATUSES`.
        nanoseconds : int
            From its receipt to its answer.
        """
        self._requests[kind, status] += 1
        times = self._times.get(kind)
        if times is None:
            times = self._times[kind] = [0] * (len(BUCKETS_S) + 1)
        times[bisect_left(_BUCKETS_NS, nanoseconds)] += 1
        self._sums[kind] += nanoseconds

    def connected(self) -> None:
        """Count a client that came."""
        self._connected += 1

    def disconnected(self, reason: str) -> None:
        """Count a client that left or was made to.

        Parameters
        ----------
        reason : str
            One word, such as ``closed``.
        """
        self._disconnected[reason] += 1

    def refused(self) -> None:
        """Count a client that was one too many."""
        self._disconnected["too-many"] += 1

    def text(self) -> str:
        """Return all metrics, a line each."""
        return "\n".join([*self._lines(), ""])

    def _lines(self) -> Iterator[str]:
        yield from _head("requests_total", "counter", "Requests answered, by kind and result.")
        for (kind, status), count in sorted(self._requests.items()):
            yield f'lyaopt_serve_requests_total{{kind="{kind}",result="{status}"}} {count}'
        yield from _head("errors_total", "counter", "Requests not answered as asked, by error.")
        errors: Counter[str] = Counter()
        for (_, status), count in self._requests.items():
            errors[status] += count
        del errors["ok"]
        for status, count in sorted(errors.items()):
            yield f'lyaopt_serve_errors_total{{error="{status}"}} {count}'
        yield from _head("request_seconds", "histogram", "From the receipt of a request to its answer.")
        for kind in sorted(self._times):
            yield from self._histogram(kind)
        clients, sessions = self._present()
        yield from _head("clients", "gauge", "Clients connected.")
        yield f"lyaopt_serve_clients {clients}"
        yield from _head("sessions", "gauge", "Clients that have sent their system.")
        yield f"lyaopt_serve_sessions {sessions}"
        yield from _head("connections_total", "counter", "Clients that came.")
        yield f"lyaopt_serve_connections_total {self._connected}"
        yield from _head("disconnections_total", "counter", "Clients that left or were made to, by reason.")
        for reason, count in sorted(self._disconnected.items()):
            yield f'lyaopt_serve_disconnections_total{{reason="{reason}"}} {count}'

    def _histogram(self, kind: str) -> Iterator[str]:
        name = "lyaopt_serve_request_seconds"
        total = 0
        for end, count in zip((*map(str, BUCKETS_S), "+Inf"), self._times[kind], strict=True):
            total += count
            yield f'{name}_bucket{{kind="{kind}",le="{end}"}} {total}'
        yield f'{name}_sum{{kind="{kind}"}} {self._sums[kind] / 1e9!r}'
        yield f'{name}_count{{kind="{kind}"}} {total}'


def _head(name: str, kind: str, words: str) -> tuple[str, str]:
    return f"# HELP lyaopt_serve_{name} {words}", f"# TYPE lyaopt_serve_{name} {kind}"
