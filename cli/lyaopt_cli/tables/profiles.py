"""Tables of profiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.console import Console

from lyaopt.model.profiles import Measurement, Profile, Source
from lyaopt_cli.tables.layout import name_text, new_console, plain_table, quantity


def print_profiles(profiles: Sequence[Profile]) -> None:
    """Print a line for each profile."""
    table = plain_table("name", numbers=("input", "MACs", "cuts"))
    table.add_column("source")
    for profile in profiles:
        table.add_row(
            name_text(profile.name),
            quantity(profile.input_bits, "bit"),
            quantity(profile.total_macs, "MAC"),
            str(len(profile.cuts)),
            name_text(_origin(profile)),
        )
    new_console().print(table)


def print_profile(profile: Profile) -> None:
    """Print a line for each cut."""
    console = new_console()
    table = plain_table(numbers=("k", "MACs", "share", "sent", "of input"))
    table.add_column("after")
    rows = zip(profile.cuts, profile.mac_share, profile.bit_ratio, strict=True)
    for k, (cut, share, ratio) in enumerate(rows):
        macs, bits = quantity(cut.macs, "MAC"), quantity(cut.bits, "bit")
        table.add_row(str(k), macs, f"{share:.1%}", bits, f"{ratio:.3f}", name_text(cut.after))
    console.print(table)
    total, sent = quantity(profile.total_macs, "MAC"), quantity(profile.input_bits, "bit")
    element = f"{profile.bits_per_element} bit/element"
    console.print(name_text(f"{profile.name}: {total}, input {sent}, {element}, from {_origin(profile)}"))
    if profile.measured is not None:
        _print_measured(console, profile, profile.measured)


def _print_measured(console: Console, profile: Profile, measured: Measurement) -> None:
    """Print the times of both halves of every cut, and how far cycles are from a constant per MAC."""
    table = plain_table(numbers=("k", "head", "range", "cycles", "tail", "range", "cycles", "cycles/MAC"))
    heads = _times(measured.head_s, measured.head_range_s, measured.head_cycles)
    tails = _times(measured.tail_s, measured.tail_range_s, measured.tail_cycles)
    each = [math.nan, *cycles_per_mac(profile, measured)]
    for k, (head, tail, ratio) in enumerate(zip(heads, tails, each, strict=True)):
        table.add_row(str(k), *head, *tail, "-" if math.isnan(ratio) else f"{ratio:.3g}")
    console.print()
    console.print(table)
    frequency = quantity(measured.cpu_hz, "Hz")
    runs = f"{measured.runs} runs, {measured.threads} thread(s), {frequency}, {measured.runtime}"
    console.print(name_text(f"Measured on {measured.machine}: {runs}"))
    whole = measured.head_cycles[-1] / profile.total_macs
    console.print(f"Whole network: {whole:.3g} cycles/MAC; between cuts as in the table", markup=False)


def _times(*columns: Sequence[float]) -> list[tuple[str, str, str]]:
    """Seconds, their range and cycles of every cut."""
    return [
        (quantity(seconds, "s"), quantity(spread, "s"), quantity(cycles, "").strip())
        for seconds, spread, cycles in zip(*columns, strict=True)
    ]


def cycles_per_mac(profile: Profile, measured: Measurement) -> list[float]:
    """Cycles per MAC between each cut and the one before; NaN where there are no MACs."""
    pairs = zip(pairwise(measured.head_cycles), pairwise(cut.macs for cut in profile.cuts), strict=True)
    return [
        (after - before) / (more - less) if more > less else math.nan
        for (before, after), (less, more) in pairs
    ]


def _origin(profile: Profile) -> str:
    source = profile.source
    if isinstance(source, Source):
        return f"{source.package} {source.version} ({source.licence})"
    return source
