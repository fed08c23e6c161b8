"""`lyaopt trace`: traces from logs of radios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.logs import LogOptions, imported, scenario_with_radios
from lyaopt_cli.support.new_command import new_command, new_group
from lyaopt_cli.support.options import SECONDS, plot_option
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.output_files import check_picture, check_writable, write_whole


@new_group("trace", "Make traces of logs of throughput or signal")
def command() -> None:
    """Make traces for lyaopt simulate --trace.

    \b
    Examples:
      lyaopt trace import log.csv --time seconds --column Mbps --out radio.npz
    """


@new_command("import", "Turn logs of throughput or signal into a trace")
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option(
    "--format",
    "layout",
    default="csv",
    show_default=True,
    metavar="NAME",
    help="csv (with a line of names), columns (numbers between spaces), mahimahi, or the layout of a public "
    "log: pensieve, ghent-4g, riiser-3g, ucc-5g.",
)
@click.option(
    "--time",
    metavar="COLUMN",
    help="Column of the times: its name, or its number from 1 (default: of csv and columns the first).",
)
@click.option(
    "--time-unit", metavar="UNIT", help="s, ms, us, ns or min, of times that are numbers (default: s)."
)
@click.option(
    "--column",
    "value",
    metavar="COLUMN",
    help="Column of the values: its name or number (default: of csv and columns the second).",
)
@click.option(
    "--unit",
    metavar="UNIT",
    help="Of the values. Rates: bit/s, kbit/s, Mbit/s, Gbit/s, B/s, kB/s, MB/s. Amounts, with --length: "
    "bit, B and so on. Signal: gain, gain-dB, SNR-dB, dBm (received). Default: of csv and "
    "columns Mbit/s.",
)
@click.option(
    "--length", metavar="COLUMN", help="Column with the length of the interval that ends at the time."
)
@click.option("--length-unit", metavar="UNIT", help="s, ms, us, ns or min.")
@click.option(
    "--step", type=SECONDS, metavar="S", help="Slot length in seconds (default: of --scenario, or 0.01)."
)
@click.option(
    "--slots", type=click.IntRange(min=1), help="Slots of the trace (default: of the shortest log)."
)
@click.option(
    "--max-gap",
    type=SECONDS,
    metavar="S",
    help="A pause longer than this has no coverage (default: five times the usual interval).",
)
@click.option("--power-w", type=float, metavar="W", help="Power at which the radio sent.")
@click.option("--radio", metavar="NAME", help="Shipped radio whose powers are taken in place of --power-w.")
@click.option(
    "--to-gain",
    is_flag=True,
    help="Make channel gains of rates, by Shannon's formula, not shares of a radio.",
)
@click.option("--bandwidth-hz", type=float, metavar="HZ", help="Bandwidth of the log, for gains.")
@click.option("--reference-dbm", type=float, metavar="DBM", help="Power sent, of a received power in dBm.")
@click.option("--scenario", metavar="SCENARIO", help="Whose slots, powers and bandwidths are taken.")
@click.option(
    "--save-scenario", metavar="FILE", help="Write --scenario with the measured radios of the logs into FILE."
)
@click.option("--out", required=True, metavar="FILE", help="The trace, an .npz file.")
@plot_option("rates or gains over time")
@json_option("Print the summary as JSON.")
def import_command(files: tuple[str, ...], out: str, plot: str | None, as_json: bool, **options: Any) -> int:
    """Make a trace of the FILEs, one for each device, and print a summary.

    \b
    Rates become the shares of a measured radio, whose rate is the largest of the
    log; the trace has no arrivals, which are drawn from the scenario. Values hold
    until the next ones. Empty cells and long pauses have no coverage: nothing can
    be sent.

    \b
    Examples:
      lyaopt trace import a.csv b.csv --time t --column Mbps --out radio.npz
      lyaopt trace import up.mahi --format mahimahi --step 0.1 --out radio.npz
      lyaopt trace import walk.csv --format ucc-5g --plot radio.svg --out radio.npz
      lyaopt trace import a.log b.log --format ghent-4g --step 0.1 --out radio.npz

    \b
    Exit status: 0 done, 2 bad usage or input, 130 interrupted, 141 output
    closed.
    """
    asked = LogOptions(**options)
    asked.check()
    for name in filter(None, (out, asked.save_scenario)):
        check_writable(Path(name))
    if plot is not None:
        check_picture("lyaopt trace import", plot)
    try:
        logs, trace, system = imported(files, asked)
        scenario = None if asked.save_scenario is None else scenario_with_radios(system, trace, asked)
    except ProblemError as error:
        raise InputError(f"lyaopt trace import: {error}") from None
    write_whole(Path(out), trace.to_bytes())
    if asked.save_scenario is not None and scenario is not None:
        write_whole(Path(asked.save_scenario), scenario.encode())
    if plot is not None:
        from lyaopt.logs.plot import draw_trace

        write_whole(Path(plot), draw_trace(trace, plot))

    def print_text() -> None:
        from lyaopt_cli.tables.logs import print_import

        print_import(logs, trace, out, asked)

    def documents() -> list[dict[str, Any]]:
        from lyaopt_cli.tables.logs import import_document

        return [import_document(logs, trace, out)]

    print_output(as_json, documents, print_text)
    return 0


command.add_command(import_command)
