"""Logs of radios, as traces: throughput or signal over time, from files in the layouts of public logs."""

from lyaopt.logs.layouts import LAYOUTS, Layout, layout_of
from lyaopt.logs.radio_trace import RadioTrace, gains_from_rates, gains_from_snr, import_logs
from lyaopt.logs.readers import read_log
from lyaopt.logs.segments import Log, slot_means
from lyaopt.logs.units import UNITS, Quantity, Unit, unit_of

__all__ = [
    "LAYOUTS",
    "UNITS",
    "Layout",
    "Log",
    "Quantity",
    "RadioTrace",
    "Unit",
    "gains_from_rates",
    "gains_from_snr",
    "import_logs",
    "layout_of",
    "read_log",
    "slot_means",
    "unit_of",
]
