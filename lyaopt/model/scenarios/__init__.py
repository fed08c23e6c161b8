"""Scenarios: shipped files, strict parsing of TOML and JSON, and formatting."""

from lyaopt.model.scenarios.catalog import list_scenarios, load_scenario, scenario_text
from lyaopt.model.scenarios.format import format_scenario, parse_scenario, scenario_schema, scenario_to_dict

__all__ = [
    "format_scenario",
    "list_scenarios",
    "load_scenario",
    "parse_scenario",
    "scenario_schema",
    "scenario_text",
    "scenario_to_dict",
]
