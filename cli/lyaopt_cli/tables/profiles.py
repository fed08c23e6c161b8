"""Readable tables of profiles, for terminals."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from lyaopt.model.profiles import Profile, Source
from lyaopt_cli.tables.solution import name_text, quantity


def print_profiles(profiles: Sequence[Profile]) -> None:
    """Print one line a profile."""
    table = Table("name", box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("input", "MACs", "cuts"):
        table.add_column(heading, justify="right")
    table.add_column("source")
    for profile in profiles:
        table.add_row(
            name_text(profile.name),
            quantity(profile.input_bits, "bit"),
            quantity(profile.total_macs, "MAC"),
            str(len(profile.cuts)),
            name_text(_origin(profile)),
        )
    Console(highlight=False).print(table)


def print_profile(profile: Profile) -> None:
    """Print one line a cut."""
    console = Console(highlight=False)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("k", "MACs", "share", "sent", "of input"):
        table.add_column(heading, justify="right")
    table.add_column("after")
    rows = zip(profile.cuts, profile.mac_share, profile.bit_ratio, strict=True)
    for k, (cut, share, ratio) in enumerate(rows):
        macs, bits = quantity(cut.macs, "MAC"), quantity(cut.bits, "bit")
        table.add_row(str(k), macs, f"{share:.1%}", bits, f"{ratio:.3f}", name_text(cut.after))
    console.print(table)
    total, sent = quantity(profile.total_macs, "MAC"), quantity(profile.input_bits, "bit")
    element = f"{profile.bits_per_element} bit/element"
    console.print(name_text(f"{profile.name}: {total}, input {sent}, {element}, from {_origin(profile)}"))


def _origin(profile: Profile) -> str:
    source = profile.source
    if isinstance(source, Source):
        return f"{source.package} {source.version} ({source.licence})"
    return source
