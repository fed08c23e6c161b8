"""Tables of `lyaopt run`: what halves take here, and latencies beside those of the simulation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity

if TYPE_CHECKING:
    from lyaopt_cli.support.live import LiveRuns

_HALVES = ("head", "sent", "tail")
_LATENCIES = ("tasks", "mean", "simulated", "", "p95", "simulated ", " ")


def print_runs(runs: LiveRuns) -> None:
    """Print a line for each cut, a line for each policy and cut, and what is to be known of the runs."""
    assert runs.measured is not None
    console = new_console()
    system, seconds = runs.measured
    console.print(_halves(runs))
    click.echo()
    console.print(_latencies(runs))
    click.echo()
    machine = system.services[0].profile.measured
    assert machine is not None
    timed = f"halves are medians of {seconds[0].runs} runs, one thread"
    click.echo(f"Machine    {machine.machine}; {timed}; seed {runs.seed}")
    for run, document in zip(runs.done, runs.documents(), strict=True):
        tasks = document["tasks"]
        click.echo(
            f"{run.policy + ' ':<10} {tasks['born']} born, {tasks['finished']} finished, "
            f"{tasks['in_flight']} in flight; outputs of {tasks['unequal']} differ from the whole network's"
        )
        load = document["load"]
        shares = ", ".join(f"{share:.0%}" for share in load["devices"])
        radios = ", ".join(f"{share:.0%}" for share in load["radios"])
        click.echo(f"{'':<10} load: heads {shares}, radios {radios}, tails {load['edge']:.0%}")
        means = ", ".join(
            f"{name}s {quantity(each['run'], 's')} ({quantity(each['measured'], 's')} when measured)"
            for name, each in ((name, document["stages"][f"{name}_s"]) for name in ("head", "tail"))
            if each["run"] is not None
        )
        click.echo(f"{'':<10} mean: {means}")


def _halves(runs: LiveRuns) -> object:
    """What the halves of each cut take: of the first service of each network."""
    assert runs.measured is not None
    system, seconds = runs.measured
    table = plain_table("cut", "after", numbers=_HALVES)
    for cut, row in enumerate(system.services[0].profile.cuts):
        halves = quantity(seconds[0].head_s[cut], "s"), quantity(seconds[0].tail_s[cut], "s")
        table.add_row(str(cut), name_text(row.after), halves[0], quantity(row.bits, "bit"), halves[1])
    return table


def _latencies(runs: LiveRuns) -> object:
    table = plain_table("policy", "service", "cut", numbers=_LATENCIES)
    for run, document in zip(runs.done, runs.documents(), strict=True):
        # The line of all tasks says nothing more where there is one other.
        rows = document["rows"][len(document["rows"]) == 2 :]
        for number, row in enumerate(rows):
            service = "" if row["service"] is None else f"{row['device']}/{row['service']}"
            cut = "" if row["cut"] is None else str(row["cut"])
            table.add_row(
                name_text(run.policy if number == 0 else ""),
                name_text(service),
                cut,
                str(row["tasks"]),
                *(
                    text
                    for name in ("mean", "p95")
                    for text in (
                        quantity(row["measured_s"][name], "s"),
                        quantity(row["predicted_s"][name], "s"),
                        f"{row['difference'][name]:+.1%}",
                    )
                ),
            )
    return table
