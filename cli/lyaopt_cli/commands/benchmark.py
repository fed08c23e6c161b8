"""`lyaopt benchmark`: policies on frozen instances, beside bounds and reference policies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.benchmark import entries_of, load_document, write_document
from lyaopt_cli.support.input_files import InputError, input_errors
from lyaopt_cli.support.interrupts import INTERRUPTED, Interrupts
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.output import json_option, print_output
from lyaopt_cli.support.output_files import check_writable
from lyaopt_cli.support.progress import progress_bar

if TYPE_CHECKING:
    from lyaopt.benchmark import BenchmarkDocument, Entry


@new_command("benchmark", "Rank policies on frozen instances, beside bounds")
@click.argument("files", nargs=-1, metavar="FILE...")
@click.option(
    "--policy",
    "entries",
    metavar="NAME",
    multiple=True,
    help="Enter a policy: MODULE:CLASS, a shipped name, or a folder with a trained one; may be repeated.",
)
@click.option("--without-references", is_flag=True, help="Run the entered policies only.")
@click.option("--instances", metavar="NAME,...", help="Instances, separated by commas (default: all).")
@click.option("--quick", is_flag=True, help="Fewer and shorter replications, for a first look.")
@click.option("--out", metavar="FILE", help="Write the figures as JSON, after every policy.")
@click.option("--show", is_flag=True, help="Run nothing: print the figures of FILE... as one table.")
@json_option("Print the figures as JSON.")
def command(
    files: tuple[str, ...],
    entries: tuple[str, ...],
    without_references: bool,
    instances: str | None,
    quick: bool,
    out: str | None,
    show: bool,
    as_json: bool,
) -> int:
    """Run policies on eleven frozen instances and print their energy and waiting over a lower bound.

    \b
    A class or function MODULE:CLASS is called with the system of each
    instance and returns a policy. Reference policies run beside it: middle,
    all-local, all-offload, best-fixed, greedy, price.

    \b
    Examples:
      lyaopt benchmark --quick
      lyaopt benchmark --policy my_policies:Mine --out mine.json
      lyaopt benchmark --policy greedy --without-references --instances bursty
      lyaopt benchmark --show mine.json theirs.json

    \b
    Exit status: 0 done, 2 bad usage or input, or a policy that fails,
    130 interrupted (what was done until then is printed and written),
    141 output closed.
    """
    if show != bool(files):
        raise click.UsageError("give FILE... with --show, and only there", click.get_current_context())
    if show:
        _check_shown_alone(entries, instances, out, quick or without_references)
        _print(_merged(files), as_json)
        return 0
    if without_references and not entries:
        raise click.UsageError("--without-references needs --policy", click.get_current_context())
    if out is not None:
        check_writable(Path(out))
    with Interrupts() as interrupts:
        try:
            chosen = entries_of(entries, not without_references)
            names = None if instances is None else [name.strip() for name in instances.split(",")]
            document = _run(chosen, names, quick, out, interrupts)
        except ProblemError as error:
            raise InputError(f"lyaopt benchmark: {error}") from None
        _print(document, as_json)
        return INTERRUPTED if interrupts.seen else 0


def _check_shown_alone(entries: tuple[str, ...], instances: str | None, out: str | None, flags: bool) -> None:
    if entries or flags or instances is not None or out is not None:
        raise click.UsageError("--show takes no other option but --json", click.get_current_context())


def _merged(files: tuple[str, ...]) -> BenchmarkDocument:
    from lyaopt.benchmark import merged

    documents = [(name, load_document(name)) for name in files]
    with input_errors("lyaopt benchmark"):
        return merged(documents)


def _run(
    entries: list[Entry], names: list[str] | None, quick: bool, out: str | None, interrupts: Interrupts
) -> BenchmarkDocument:
    from lyaopt.benchmark import load_suite, run_benchmark, total_slots

    suite = load_suite()
    budget = suite.quick if quick else suite.full
    total = total_slots(len(entries), len(suite.select(names)), budget)
    with progress_bar("slots", total) as advance:

        def report(done: int) -> bool:
            advance(done)
            return not interrupts.seen

        def keep(document: BenchmarkDocument) -> None:
            if out is not None:
                write_document(out, document)

        return run_benchmark(entries, names, quick=quick, progress=report, keep=keep)


def _print(document: BenchmarkDocument, as_json: bool) -> None:
    def print_text() -> None:
        from lyaopt_cli.tables.benchmark import print_benchmark

        print_benchmark(document)

    print_output(as_json, lambda: [document.to_dict()], print_text)
