"""A benchmark that others can enter: frozen instances, bounds, reference policies, documents to submit."""

from lyaopt.benchmark.document import BenchmarkDocument, benchmark_schema, parse_benchmark
from lyaopt.benchmark.entries import REFERENCES, Entry, own_entry, shipped_entry
from lyaopt.benchmark.instances import Budget, Instance, Suite, load_suite
from lyaopt.benchmark.ranking import Rank, behind, merged, overall, ranked
from lyaopt.benchmark.running import run_benchmark, total_slots

__all__ = [
    "REFERENCES",
    "BenchmarkDocument",
    "Budget",
    "Entry",
    "Instance",
    "Rank",
    "Suite",
    "behind",
    "benchmark_schema",
    "load_suite",
    "merged",
    "overall",
    "own_entry",
    "parse_benchmark",
    "ranked",
    "run_benchmark",
    "shipped_entry",
    "total_slots",
]
