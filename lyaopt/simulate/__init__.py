"""The whole system, slot by slot: task queues, arrivals and channels, traces and records."""

from lyaopt.simulate.costs import slot_costs, waiting_tasks
from lyaopt.simulate.latencies import Latencies
from lyaopt.simulate.policy import Decision, Observation, Policy
from lyaopt.simulate.records import Record
from lyaopt.simulate.results import Result
from lyaopt.simulate.series import Series, run_in_steps
from lyaopt.simulate.shares import Shares
from lyaopt.simulate.simulator import Simulator, simulate
from lyaopt.simulate.traces import Trace, read_trace

__all__ = [
    "Decision",
    "Latencies",
    "Observation",
    "Policy",
    "Record",
    "Result",
    "Series",
    "Shares",
    "Simulator",
    "Trace",
    "read_trace",
    "run_in_steps",
    "simulate",
    "slot_costs",
    "waiting_tasks",
]
