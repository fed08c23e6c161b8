"""`lyaopt info`: which core runs, versions and paths; flags for compilers."""

from __future__ import annotations

import sys
from typing import Any

import click

from lyaopt_cli.support.input_files import InputError


@click.command("info")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON document, not a table.")
@click.option("--cflags", is_flag=True, help="Print what a C compiler is to be told.")
@click.option("--libs", is_flag=True, help="Print what a linker is to be told.")
def command(as_json: bool, cflags: bool, libs: bool) -> None:
    """Print which core runs, for what processor, versions and paths.

    \b
    Examples:
      lyaopt info
      lyaopt info --cflags --libs
    """
    from lyaopt import installation

    if cflags or libs:
        library, reason = installation.c_library()
        if libs and library is None:
            raise InputError(f"lyaopt info: --libs: there is no library for C: {reason}")
        flags = [installation.c_flags()] * cflags + [installation.c_libs()] * libs
        click.echo(" ".join(flags))
        return
    found = installation.installation()
    if as_json or not sys.stdout.isatty():
        from lyaopt.io.json_lines import encode

        click.echo(encode(found))
        return
    for name, value in _rows(found):
        click.echo(f"{name:<14}{value}")


def _rows(found: dict[str, Any]) -> list[tuple[str, str]]:
    """What a person wants to know."""
    core = {"aot": "built ahead of time", "jit": "compiled at run time", "python": "interpreted"}
    rows = [("lyaopt", found["lyaopt"]), ("core", f"{found['core']}, {core[found['core']]}")]
    if found["why_not_built"]:
        rows.append(("", f"as {found['why_not_built']}"))
    if found["target"]:
        rows.append(("built for", f"{found['target']} ({found['processor']})"))
    rows += [(name, value) for name, value in found["versions"].items() if value]
    rows += [
        (name.replace("_", " "), found[name])
        for name in ("package", "extension", "cache", "c_library")
        if found[name]
    ]
    return rows
