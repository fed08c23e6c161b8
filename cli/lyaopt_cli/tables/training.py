"""Summary of a training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity

if TYPE_CHECKING:
    from lyaopt.evaluation import Evaluation
    from lyaopt.learning import Summary


def print_summary(summary: Summary, algorithm: str, out: str) -> None:
    """Print the first and last update of a training, its size and its time."""
    console = new_console()
    if summary.first is not None and summary.last is not None:
        table = plain_table("update", numbers=("return", "energy\nper slot", "backlog"))
        for line in (summary.first, summary.last):
            table.add_row(*_cells(line))
        console.print(table)
        console.print()
    state = "finished" if summary.finished else "not finished, --resume continues"
    console.print(name_text(f"Training  {algorithm} in {out}: {state}"), soft_wrap=True)
    console.print(
        f"Done      {summary.updates} updates, {summary.episodes} episodes, {summary.decisions} decisions"
    )
    shares = ", ".join(f"{part} {share:.0%}" for part, share in summary.shares.items())
    pace = f"{summary.seconds:.1f} s, {summary.decisions_per_s:.0f} decisions/s"
    console.print(f"Time      {pace}" + (f" ({shares})" if shares else ""))
    if summary.kept_start:
        console.print("Policy    that of the start: no network of the training cost less", soft_wrap=True)
    if summary.searched:
        console.print(f"Search    {summary.searched} more slots, for a start and to compare networks")


def print_judgement(judged: Evaluation | None, lines: Sequence[str]) -> None:
    """Print how a trace was used, and what the policy does on the part that is judged."""
    console = new_console()
    for line in lines:
        console.print(name_text(line), soft_wrap=True)
    if judged is not None:
        from lyaopt_cli.tables.evaluation import print_evaluation

        console.print()
        print_evaluation(judged)
    elif lines:
        console.print("Trace    not judged yet: the training is not finished")


def _cells(line: dict[str, Any]) -> tuple[str, ...]:
    energy = line["local_energy_j"] + line["transmit_energy_j"]
    return str(line["update"]), f"{line['return']:.4g}", quantity(energy, "J"), f"{line['backlog']:.3g} tasks"
