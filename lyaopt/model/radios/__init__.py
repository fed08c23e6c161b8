"""Radios as data: what was measured of a radio, with its source."""

from lyaopt.model.radios.catalog import load_radio, radio_names
from lyaopt.model.radios.format import parse_radio, radio_to_dict
from lyaopt.model.radios.table import RadioTable

__all__ = ["RadioTable", "load_radio", "parse_radio", "radio_names", "radio_to_dict"]
