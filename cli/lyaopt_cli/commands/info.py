"""`lyaopt info`: which core runs, versions and paths; flags for compilers."""

from __future__ import annotations

from typing import Any

import click

from lyaopt_cli.support.input_files import InputError
from lyaopt_cli.support.new_command import new_command
from lyaopt_cli.support.output import json_option, print_output


@new_command("info", "Print versions and paths, or flags for a C compiler")
@json_option("Print JSON.")
@click.option("--cflags", is_flag=True, help="Print the flags for a C compiler.")
@click.option("--libs", is_flag=True, help="Print the flags for a linker.")
@click.option("--pkg-config", is_flag=True, help="Print the folder of lyaopt.pc, for PKG_CONFIG_PATH.")
def command(as_json: bool, cflags: bool, libs: bool, pkg_config: bool) -> None:
    """Print which core runs, the processor it was built for, versions and paths.

    \b
    Examples:
      lyaopt info
      lyaopt info --cflags --libs
      PKG_CONFIG_PATH=$(lyaopt info --pkg-config) pkg-config --libs lyaopt
    """
    from lyaopt import installation

    library, reason = installation.c_library() if cflags or libs or pkg_config else (None, "")
    for option, asked in (("--libs", libs), ("--pkg-config", pkg_config)):
        if asked and library is None:
            raise InputError(f"lyaopt info: {option}: the C library is missing: {reason}")
    if pkg_config:
        click.echo(str(installation.CAPI))
        return
    if cflags or libs:
        flags = [installation.c_flags()] * cflags + [installation.c_libs()] * libs
        click.echo(" ".join(flags))
        return
    about = installation.installation()

    def print_text() -> None:
        for name, value in _rows(about):
            click.echo(f"{name:<14}{value}")

    print_output(as_json, lambda: [about], print_text)


def _rows(about: dict[str, Any]) -> list[tuple[str, str]]:
    """Names and values, without those that are missing."""
    core = {"aot": "built ahead of time", "jit": "compiled at run time", "python": "interpreted"}
    rows = [("lyaopt", about["lyaopt"]), ("core", f"{about['core']}, {core[about['core']]}")]
    if about["why_not_built"]:
        rows.append(("", f"as {about['why_not_built']}"))
    if about["target"]:
        rows.append(("built for", f"{about['target']} ({about['processor']})"))
    rows += [(name, value) for name, value in about["versions"].items() if value]
    rows += [
        (name.replace("_", " "), about[name])
        for name in ("package", "extension", "cache", "c_library")
        if about[name]
    ]
    return rows
