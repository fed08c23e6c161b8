"""Systems run on one machine: real networks, cut where a policy says, beside their simulation."""

from lyaopt.live.comparison import Row, compare
from lyaopt.live.controller import Outcome
from lyaopt.live.loads import drawn_trace, full_rates_bps
from lyaopt.live.measured_state import Backlogs
from lyaopt.live.measured_system import Seconds
from lyaopt.live.networks import NetworkOptions
from lyaopt.live.plot import draw_runs
from lyaopt.live.processes import ProcessDiedError
from lyaopt.live.replay_log import Prediction, predict
from lyaopt.live.session import Session, SessionOptions
from lyaopt.live.summary import run_document
from lyaopt.live.task_log import TaskLog, TaskRecord, log_bytes

__all__ = [
    "Backlogs",
    "NetworkOptions",
    "Outcome",
    "Prediction",
    "ProcessDiedError",
    "Row",
    "Seconds",
    "Session",
    "SessionOptions",
    "TaskLog",
    "TaskRecord",
    "compare",
    "draw_runs",
    "drawn_trace",
    "full_rates_bps",
    "log_bytes",
    "predict",
    "run_document",
]
