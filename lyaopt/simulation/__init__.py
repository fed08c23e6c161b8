"""Simulation of whole systems slot by slot: task queues, arrivals, channels, traces and records."""

from lyaopt.simulation.costs import slot_costs, waiting_tasks
from lyaopt.simulation.edge_results import EdgeResults
from lyaopt.simulation.jitted_prices import jitted_weights
from lyaopt.simulation.latencies import Latencies
from lyaopt.simulation.policy import Decision, LinkObservation, Observation, Policy
from lyaopt.simulation.price_rule import CutChoice, PriceRule
from lyaopt.simulation.price_table import price_source, price_table
from lyaopt.simulation.recorded_traces import RecordedTrace
from lyaopt.simulation.records import EdgesRecord, Record
from lyaopt.simulation.results import Result
from lyaopt.simulation.rules import CompiledRule, Rule, allocation_rule
from lyaopt.simulation.series import Series, run_in_steps
from lyaopt.simulation.service_results import by_service
from lyaopt.simulation.shares import Shares
from lyaopt.simulation.simulator import Simulator, simulate
from lyaopt.simulation.slot_observation import SlotObservation
from lyaopt.simulation.trace_files import complete_trace, load_trace
from lyaopt.simulation.trace_parts import TraceParts, divide
from lyaopt.simulation.traces import Trace

__all__ = [
    "CompiledRule",
    "CutChoice",
    "Decision",
    "EdgeResults",
    "EdgesRecord",
    "Latencies",
    "LinkObservation",
    "Observation",
    "Policy",
    "PriceRule",
    "Record",
    "RecordedTrace",
    "Result",
    "Rule",
    "Series",
    "Shares",
    "Simulator",
    "SlotObservation",
    "Trace",
    "TraceParts",
    "allocation_rule",
    "by_service",
    "complete_trace",
    "divide",
    "jitted_weights",
    "load_trace",
    "price_source",
    "price_table",
    "run_in_steps",
    "simulate",
    "slot_costs",
    "waiting_tasks",
]
