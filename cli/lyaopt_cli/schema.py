"""`lyaopt schema`: the documents, for editors and validators."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("document", type=click.Choice(["slot", "solution"]))
def command(document: str) -> None:
    """Print the JSON Schema of a document.

    \b
    Example:
      lyaopt schema slot > slot.schema.json
    """
    from lyaopt.schemas import json_schema

    click.echo(json.dumps(json_schema(document), indent=2))
