"""How far a MAC is from a constant number of cycles, over the cuts of the shipped networks.

    python -m benchmarks.cycles_per_mac [--runtime onnx] [NETWORK ...]
    python -m benchmarks.cycles_per_mac --table

It builds the networks as `lyaopt.model.profiles.rebuild` does (its packages are needed; for ONNX Runtime also
onnxscript, as PyTorch writes the ONNX file), times head and tail of every cut in CPU time of one thread, of
which the least counts, and writes cycles_per_mac.csv;
`--table` prints the table in docs/reference/profiles.md.
"""

from __future__ import annotations

import argparse
import csv
import io
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

import numpy as np

from lyaopt.model.profiles import Measurement, Profile
from lyaopt.model.profiles.timing import Timing

TABLE = Path(__file__).with_name("cycles_per_mac.csv")
PIECE = 0.05
"""Least share of the MACs between two cuts that are compared: times of smaller pieces are noise."""
HEAD = (
    "| network | run by | ms | cycles per MAC | least between two cuts | most | a constant is off by "
    "| head and tail take longer than the whole by |"
)


@dataclass(frozen=True)
class Row:
    """One cut of one network, as it was measured."""

    network: str
    machine: str
    runtime: str
    cpu_hz: float
    runs: int
    k: int
    after: str
    macs: int
    head_s: float
    head_range_s: float
    tail_s: float
    tail_range_s: float


def rows_of(profile: Profile, measured: Measurement) -> list[Row]:
    """The rows of a network."""
    times = zip(measured.head_s, measured.head_range_s, measured.tail_s, measured.tail_range_s, strict=True)
    machine = (measured.machine, measured.runtime, measured.cpu_hz, measured.runs)
    return [
        Row(profile.name, *machine, k, cut.after, cut.macs, *each)
        for k, (cut, each) in enumerate(zip(profile.cuts, times, strict=True))
    ]


def measure(name: str, runtime: str, runs: int) -> list[Row]:
    """Build a shipped network, and time its cuts."""
    import torch

    from lyaopt.model.profiles.rebuild import TORCH_NETWORKS
    from lyaopt.model.profiles.torch_measure import measure_torch
    from lyaopt.model.profiles.torch_profiler import profile_torch

    _, _, _, build, shape = TORCH_NETWORKS[name]
    torch.manual_seed(1)
    module, inputs, timing = (
        build().eval(),
        (torch.randn(shape),),
        Timing(runs=runs, clock=time.thread_time, quantile=0.0),
    )
    if runtime == "torch":
        return rows_of(profile_torch(module, inputs, name=name), measure_torch(module, inputs, timing=timing))
    from lyaopt.model.profiles.onnx_measure import measure_onnx
    from lyaopt.model.profiles.onnx_profiler import profile_onnx

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.onnx"
        torch.onnx.export(module, inputs, path, dynamo=True, external_data=True, verbose=False)
        return rows_of(profile_onnx(path, name=name), measure_onnx(path, timing=timing))


def read(path: Path = TABLE) -> list[Row]:
    """All rows of the table, in its order."""
    kinds = {
        name: {"str": str, "int": int, "float": float}[kind] for name, kind in Row.__annotations__.items()
    }
    with path.open(encoding="utf-8") as file:
        return [
            Row(**{name: kinds[name](text) for name, text in row.items()}) for row in csv.DictReader(file)
        ]


def write(rows: list[Row]) -> None:
    """Replace the table."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Row.__annotations__), lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    TABLE.write_text(text.getvalue(), encoding="utf-8")


def networks(rows: list[Row]) -> Iterator[tuple[str, str, list[Row]]]:
    """Network, runtime and rows of each measurement."""
    for (name, runtime), group in groupby(rows, key=lambda row: (row.network, row.runtime)):
        yield name, runtime, list(group)


def figures(rows: list[Row]) -> dict[str, float]:
    """How far a constant is off, of one network by one runtime."""
    macs = np.array([row.macs for row in rows], dtype=float)
    cycles = np.array([row.head_s * row.cpu_hz for row in rows])
    tails = np.array([row.tail_s * row.cpu_hz for row in rows])
    ends = _apart(macs)
    # What a piece adds to the head it takes from the tail: two measurements of it.
    each = 0.5 * np.diff((cycles - tails)[ends]) / np.diff(macs[ends])
    inner = (cycles + tails)[1:-1] / cycles[-1]
    return {
        "seconds": rows[-1].head_s,
        "whole": cycles[-1] / macs[-1],
        "least": each.min(),
        "most": each.max(),
        "off": float(np.abs(cycles / cycles[-1] - macs / macs[-1]).max()),
        "longer": float(np.median(inner)) - 1.0,
    }


def _apart(macs: np.ndarray) -> list[int]:
    """Cuts from the first to the last that are at least PIECE of the MACs apart."""
    ends = [0]
    for k, count in enumerate(macs):
        if count - macs[ends[-1]] >= PIECE * macs[-1] and macs[-1] - count >= PIECE * macs[-1]:
            ends.append(k)
    return [*ends, len(macs) - 1]


def table(rows: list[Row]) -> str:
    """The Markdown table."""
    lines = [HEAD, "|---|---|---|---|---|---|---|---|"]
    for name, runtime, group in networks(rows):
        of = figures(group)
        lines.append(
            f"| `{name}` | {runtime} | {1e3 * of['seconds']:.3g} | {of['whole']:.2g} | {of['least']:.2g} "
            f"| {of['most']:.2g} | {of['off']:.0%} of the work | {of['longer']:.0%} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "network", nargs="*", help="names of networks (default: all that PyTorch packages define)"
    )
    parser.add_argument("--runtime", choices=["torch", "onnx"], default="torch", help="what runs them")
    parser.add_argument("--runs", type=int, default=20, help="timed runs of each half")
    parser.add_argument("--table", action="store_true", help="print the table of what was measured")
    options = parser.parse_args()
    if not options.table:
        from lyaopt.model.profiles.rebuild import TORCH_NETWORKS

        for name in options.network or TORCH_NETWORKS:
            found = measure(name, options.runtime, options.runs)
            kept = read() if TABLE.exists() else []
            same = (name, found[0].runtime)
            rows = [row for row in kept if (row.network, row.runtime) != same] + found
            write(sorted(rows, key=lambda row: (row.runtime, list(TORCH_NETWORKS).index(row.network), row.k)))
            print(name, {key: round(value, 4) for key, value in figures(found).items()}, flush=True)
        return
    print(table(read()))


if __name__ == "__main__":
    main()
