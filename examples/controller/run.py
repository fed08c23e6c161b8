"""Starts the server, the devices and the controller, and kills some of them on the way if asked.

python run.py [FOLDER] [--seconds 10] [--faults SECONDS] [--real-time]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent


class Parts:
    """The processes; one that is killed is started again by whoever watches over them, here by `run`."""

    def __init__(
        self, folder: Path, scenario: str = "balanced", devices: int = 4, real_time: bool = False
    ) -> None:
        self.folder, self._scenario, self._real_time = folder, scenario, real_time
        (folder / "metrics.prom").unlink(missing_ok=True)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        for name in ("server", *(f"device-{m}" for m in range(devices))):
            self.start(name)

    def command(self, name: str) -> list[str]:
        """How a part is started."""
        if name == "server":
            path = str(self.folder / "server.sock")
            return [sys.executable, "-m", "lyaopt_cli", "serve", "--socket", path, "--log-level", "error"]
        if name == "controller":
            return [
                sys.executable,
                str(HERE / "controller.py"),
                str(self.folder),
                "--scenario",
                self._scenario,
            ]
        number = name.partition("-")[2]
        return [sys.executable, str(HERE / "device.py"), str(self.folder), number, self._scenario, "1"]

    def start(self, name: str, *more: str) -> None:
        """Start a part."""
        # one thread each: numbers of many threads would fight for the cores
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self.processes[name] = subprocess.Popen(
            [*self.command(name), *more], stdout=subprocess.DEVNULL, env=environment
        )

        if self._real_time and not name.startswith("device"):
            # before all others that want the core, for the millisecond that a decision takes
            os.sched_setscheduler(self.processes[name].pid, os.SCHED_FIFO, os.sched_param(10))

    def kill(self, name: str) -> None:
        """Kill a part as nothing can prevent: SIGKILL."""
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> None:
        """End all parts, the controller first, which writes its last lines."""
        if "controller" in self.processes:
            self.processes["controller"].terminate()
            self.processes.pop("controller").wait()
        for name in list(self.processes):
            self.kill(name)
            del self.processes[name]


def summary(folder: Path) -> str:
    """What the log of a run says of its times."""
    lines = [json.loads(line) for line in (folder / "decisions.ndjson").read_text().splitlines()]
    seconds = np.array([line["seconds"] for line in lines if "seconds" in line])
    by = {who: sum(line["by"] == who for line in lines) for who in ("server", "own", "held")}
    late = sum(line["late"] for line in lines)
    shown = ", ".join(
        f"{name} {1e3 * np.quantile(seconds, share, method='higher'):.3f}"
        for name, share in (("p50", 0.5), ("p99", 0.99), ("p99.9", 0.999), ("max", 1.0))
    )
    solved = f"{by['server']} solved by the server, {by['own']} by the controller, {by['held']} held"
    return f"{len(lines)} periods, {late} missed; {solved}; ms to the decision: {shown}"


def run(folder: Path, seconds: float, faults: float | None, real_time: bool) -> None:
    """Run for some time; kill the server and a device by turns, and start them again a second later."""
    parts = Parts(folder, real_time=real_time)
    try:
        parts.start("controller")
        while not (folder / "metrics.prom").exists():  # with the first decision
            time.sleep(0.1)
        end = time.monotonic() + seconds
        turn = 0
        while (left := end - time.monotonic()) > 0.0:
            time.sleep(min(left, faults or left))
            if faults and end - time.monotonic() > 0.0:
                name = "server" if turn % 2 == 0 else f"device-{turn // 2 % 4}"
                parts.kill(name)
                time.sleep(1.0)
                parts.start(name)
                turn += 1
    finally:
        parts.stop()
    print(summary(folder))


def main() -> None:
    """Read the arguments, and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--faults", type=float, help="seconds between two kills")
    parser.add_argument("--real-time", action="store_true", help="SCHED_FIFO; needs the right to use it")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="controller-"))
    folder.mkdir(parents=True, exist_ok=True)
    run(folder, options.seconds, options.faults, options.real_time)


if __name__ == "__main__":
    main()
