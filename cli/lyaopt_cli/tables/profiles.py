"""Tables of profiles."""

from __future__ import annotations

from collections.abc import Sequence

from lyaopt.model.profiles import Profile, Source
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


def _origin(profile: Profile) -> str:
    source = profile.source
    if isinstance(source, Source):
        return f"{source.package} {source.version} ({source.licence})"
    return source
