"""`lyaopt schema`: JSON Schemas of the documents, for editors and validators."""

from __future__ import annotations

import json

import click

from lyaopt_cli.support.new_command import new_command


@new_command("schema", "Print the JSON Schema of a document")
@click.argument("document", type=click.Choice(["slot", "solution", "scenario", "benchmark"]))
def command(document: str) -> None:
    """Print the JSON Schema of a document.

    \b
    Example:
      lyaopt schema slot > slot.schema.json
    """
    if document == "scenario":
        from lyaopt.model.scenarios import scenario_schema

        schema = scenario_schema()
    elif document == "benchmark":
        from lyaopt.benchmark import benchmark_schema

        schema = benchmark_schema()
    else:
        from lyaopt.slot.schemas import json_schema

        schema = json_schema(document)
    click.echo(json.dumps(schema, indent=2))
