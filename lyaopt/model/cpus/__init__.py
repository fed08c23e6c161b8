"""CPUs as data: the operating points of a core, each with its frequency and its power."""

from lyaopt.model.cpus.catalog import cpu_names, load_cpu
from lyaopt.model.cpus.format import cpu_to_dict, parse_cpu
from lyaopt.model.cpus.table import CpuTable, OperatingPoint

__all__ = ["CpuTable", "OperatingPoint", "cpu_names", "cpu_to_dict", "load_cpu", "parse_cpu"]
