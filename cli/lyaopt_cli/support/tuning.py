"""``--trace``: what each policy is tuned to, the trace or the law of the scenario."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lyaopt.io.input_files import read_capped

if TYPE_CHECKING:
    from lyaopt.model.system import System
    from lyaopt.simulation import Trace

MOST_SEARCHED = 160_000
"""That of `lyaopt.simulation.trace_parts`, from where help is not printed, as it needs NumPy."""
_ON_TRACE = ("best-fixed", "table", "greedy", "planning", "price", "value")
_OF_LAW = {
    "planning": "the roll-outs draw from the scenario's law",
    "price": "prices of channels are of the scenario's law",
    "value": "prices of channels are of the scenario's law",
}


@dataclass(frozen=True)
class Tuned:
    """What a policy is tuned to.

    Attributes
    ----------
    on : str
        ``trace``, ``training`` or ``module``.
    slots : int
        The first ones of the trace, on which it was searched or trained; 0 of a training on anything else.
    in_sample : bool
        Whether slots on which it was searched or trained are judged.
    of_law : str or None
        What remains tuned to the scenario.
    """

    on: str
    slots: int = 0
    in_sample: bool = False
    of_law: str | None = None

    def document(self) -> dict[str, Any]:
        """For JSON."""
        if not self.slots:
            return {"on": self.on}
        more = {} if self.of_law is None else {"of_law": self.of_law}
        return {"on": self.on, "first_slots": self.slots, "in_sample": self.in_sample} | more

    def words(self) -> str:
        """For people."""
        if self.on == "training" and not self.slots:
            return "to what it was trained on, not to the trace"
        if self.on == "module":
            return "by its own module, which sees the scenario, not the trace"
        judged = "which are judged too (in-sample)" if self.in_sample else "judged on later ones"
        law = "" if self.of_law is None else f"; {self.of_law}"
        trained = "trained " if self.on == "training" else ""
        return f"{trained}on the first {self.slots} slots of the trace, {judged}{law}"


def searched_part(trace: Trace | None, slots: int | None, system: System) -> tuple[Trace, ...]:
    """The part of a trace on which policies are searched: its first `slots`, or `MOST_SEARCHED`."""
    if trace is None:
        return ()
    return (trace.first(min(slots or MOST_SEARCHED, trace.slots), system),)


def tuned_to(
    name: str | None, system: System, part: Trace, warmup: int, sha256: str | None = None
) -> Tuned | None:
    """What a policy by `name` is tuned to on a trace, `part` being searched; None where nothing is tuned.

    With the hash of the trace it is known whether a training saw a part of it.
    """
    from lyaopt.policies.own_policy import is_own

    if name in _ON_TRACE:
        return Tuned("trace", part.slots, part.slots > warmup, _of_law(name, system, part))
    if name is not None and os.path.isfile(os.path.join(name, "run.json")):
        slots = _trained_slots(name, sha256)
        return Tuned("training", slots, slots > warmup)
    if name is not None and is_own(name):
        return Tuned("module")
    return None


def _of_law(name: str, system: System, part: Trace) -> str | None:
    from lyaopt.policies import is_priced
    from lyaopt.policies.trace_radios import gains_are_of_law

    of_trace = is_priced(name) and not gains_are_of_law(system, [part])
    return None if of_trace else _OF_LAW.get(name)


def _trained_slots(folder: str, sha256: str | None) -> int:
    """First slots of the trace of that hash on which a policy was trained; 0 if it was on anything else."""
    trace = json.loads(read_capped(os.path.join(folder, "run.json"))).get("trace") or {}
    return int(trace["searched_slots"]) if sha256 is not None and trace.get("sha256") == sha256 else 0
