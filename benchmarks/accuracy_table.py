"""One Markdown table of many reports of `lyaopt check --json`: the worst of each regime.

``python -m benchmarks.accuracy_table docs/results/accuracy.md REPORT...`` writes it into the page.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

BEGIN, END = "<!-- table of the accuracy campaign -->", "<!-- end of the table -->"
HEAD = (
    "| regime | instances | judged in decimals | worst relative gap | worst relative violation |",
    "|---|---|---|---|---|",
)


def merged(reports: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Instances, and the worst figures, of each regime over all reports; their seeds must differ."""
    found: dict[str, dict[str, float]] = {}
    seeds = set()
    for report in reports:
        if report["seed"] in seeds:
            raise ValueError(f"seed {report['seed']}: expected it once")
        seeds.add(report["seed"])
        for line in report["regimes"]:
            own = found.setdefault(
                line["regime"], dict.fromkeys(("instances", "judged", "gap", "violation"), 0)
            )
            own["instances"] += line["instances"]
            own["judged"] += line["judged_instances"]
            own["gap"] = max(own["gap"], line["worst_gap"])
            own["violation"] = max(own["violation"], line["worst_violation"])
    return found


def table(reports: Iterable[Mapping[str, Any]]) -> str:
    """Markdown, with the sum of instances and the worst of all at the end."""
    found = merged(reports)
    worst = {
        "instances": sum(one["instances"] for one in found.values()),
        "judged": sum(one["judged"] for one in found.values()),
        "gap": max(one["gap"] for one in found.values()),
        "violation": max(one["violation"] for one in found.values()),
    }
    lines = [*HEAD, *(_line(name, one) for name, one in found.items()), _line("**all**", worst)]
    return "\n".join(lines)


def _line(name: str, one: Mapping[str, float]) -> str:
    counts = f"{one['instances']:,} | {one['judged']:,}"
    return f"| {name} | {counts} | {one['gap']:.1e} | {one['violation']:.1e} |"


def write(reports: Iterable[Mapping[str, Any]], page: Path) -> None:
    """Write the table into a page, between its marks."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n\n{table(reports)}\n\n{END}{after}")


if __name__ == "__main__":
    target, *paths = map(Path, sys.argv[1:])
    write([json.loads(path.read_text()) for path in paths], target)
