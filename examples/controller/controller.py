"""A controller that decides every 10 ms, whatever happens to its server and devices.

    python controller.py FOLDER [--scenario balanced] [--periods N]

In FOLDER are the sockets of the server (server.sock), of the controller and of the devices; it writes
decisions.ndjson, a line for each period, and metrics.prom. It ends after N periods, or with SIGTERM.
"""

from __future__ import annotations

import argparse
import gc
import json
import signal
import time
from pathlib import Path
from typing import Any

from clock import PERIOD_NS, Periods
from decisions import Decided, Decider, Seen, nothing_seen
from messages import Mailbox, State, decision_message
from metrics import Metrics

HELD = "held"  # a period that passed while the process did not run: the last decision stays in force
_ABSENT_AFTER = 5  # periods without a word
_METRICS_EVERY = 100  # periods


class Controller:
    """Reads, decides and tells, once a period; what can wait is done in the time that is left.

    Parameters
    ----------
    folder : Path
        Of sockets and files.
    scenario : str
        Name or path.
    """

    def __init__(self, folder: Path, scenario: str) -> None:
        self._folder = folder
        self._decider = Decider(scenario, folder / "server.sock")
        self._mailbox = Mailbox(folder / "controller.sock")
        self._metrics = Metrics(folder / "metrics.prom")
        self._log = (folder / "decisions.ndjson").open("w")
        self._heard: dict[int, tuple[int, State]] = {}
        self.stopped = False

    def run(self, periods: int | None) -> None:
        """Decide until it is stopped, or for so many periods."""
        # before the first period: code and memory are cold
        self._decider.decide(nothing_seen(self._decider.devices, self._decider.services), 1.0)
        gc.collect()
        gc.disable()  # nothing here makes cycles
        clock = Periods()
        while not self.stopped and (periods is None or clock.number + 1 < periods):
            for missed in clock.next():
                self._record({"period": missed, "by": HELD, "late": True})
                self._metrics.decided(HELD, None, True)
            self._decide(clock)
            if clock.number % _METRICS_EVERY == 0:
                self._write_metrics()
            self._decider.reconnect(clock.left_s())
        self._write_metrics()
        self._log.close()

    def _decide(self, clock: Periods) -> None:
        seen = self._see(clock.number)
        decided = self._decider.decide(seen, clock.left_s())
        for m in self._heard:
            message = decision_message(clock.number, decided.rates[:, m], decided.points[m])
            self._mailbox.send(self._folder / f"device-{m}.sock", message)
        done = time.monotonic_ns()
        seconds, late = (done - clock.begins_at(clock.number)) / 1e9, done > clock.ends_at
        self._metrics.decided(decided.by, seconds, late)
        line = {"period": clock.number, "by": decided.by, "late": late, "seconds": seconds}
        self._record(line | _told(seen, decided))

    def _see(self, period: int) -> Seen:
        """The last words of devices that still speak; an absent one has nothing waiting, and no channel."""
        shape = (self._decider.devices, self._decider.services)
        for message in self._mailbox.received():
            try:
                state = State.of(message, shape[1])
            except ValueError:
                continue
            if 0 <= state.device < shape[0]:
                self._heard[state.device] = period, state
        seen = nothing_seen(*shape)
        for m, (heard, state) in list(self._heard.items()):
            if period - heard > _ABSENT_AFTER:
                del self._heard[m]
                continue
            seen.backlog[:, m], seen.waiting[:, m], seen.head_left[:, m] = state[3:]
            seen.gain[m] = state.gain
        return seen

    def _record(self, line: dict[str, Any]) -> None:
        self._log.write(json.dumps(line) + "\n")

    def _write_metrics(self) -> None:
        self._log.flush()
        self._metrics.write(self._decider.connected, self._decider.connections, len(self._heard))


def _told(seen: Seen, decided: Decided) -> dict[str, Any]:
    """What a decision was made of, and what it is: enough to make it again."""
    return {
        "backlog": seen.backlog.tolist(),
        "waiting": seen.waiting.tolist(),
        "head_left": seen.head_left.tolist(),
        "gain": seen.gain.tolist(),
        "rates": decided.rates.tolist(),
        "points": decided.points.tolist(),
    }


def main() -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--scenario", default="balanced")
    parser.add_argument("--periods", type=int, help=f"of {PERIOD_NS / 1e6:g} ms; without it, until SIGTERM")
    options = parser.parse_args()
    controller = Controller(options.folder, options.scenario)

    def stop(*_: object) -> None:
        controller.stopped = True

    signal.signal(signal.SIGTERM, stop)
    controller.run(options.periods)


if __name__ == "__main__":
    main()
