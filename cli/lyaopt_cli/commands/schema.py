"""`lyaopt schema`: the documents, for editors and validators."""

from __future__ import annotations

import json

import click


@click.command("schema")
@click.argument("document", type=click.Choice(["slot", "solution", "scenario"]))
def command(document: str) -> None:
    """Print the JSON Schema of a document.

    \b
    Example:
      lyaopt schema slot > slot.schema.json
    """
    if document == "scenario":
        from lyaopt.model.scenarios import scenario_schema

        schema = scenario_schema()
    else:
        from lyaopt.slot.schemas import json_schema

        schema = json_schema(document)
    click.echo(json.dumps(schema, indent=2))
