"""Traces as files hold them, of which parts are made for each of several systems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from lyaopt.arrays import Floats, Integers
from lyaopt.model.system import System
from lyaopt.simulation.trace_files import complete_trace, read_trace_arrays
from lyaopt.simulation.trace_parts import TraceParts, divide, first_slots, use_of
from lyaopt.simulation.traces import RECORDED, hash_of


@dataclass(frozen=True, eq=False)
class RecordedTrace:
    """Arrivals, channels or both, before what they lack is drawn.

    Attributes
    ----------
    file : str
        Name of the file that held them.
    arrays : mapping of str to ndarray
        ``arrivals``, ``channel_gain`` or both, unchecked.
    search_slots : int or None
        As of `divide`.
    """

    file: str
    arrays: Mapping[str, Integers | Floats]
    search_slots: int | None = None

    @classmethod
    def load(cls, path: str | Path, search_slots: int | None = None) -> RecordedTrace:
        """Read the file of a trace.

        Parameters
        ----------
        path : str or Path
            As of `load_trace`; partition points and edge servers in it are left out.
        search_slots : int, optional
            Slots of the first part.

        Raises
        ------
        DocumentError, OSError
            As `load_trace` raises them; what fits no system is found by `parts`.
        """
        arrays = read_trace_arrays(path)
        for decided in ("partition", "edges"):
            arrays.pop(decided, None)
        return cls(str(path), arrays, search_slots)

    @cached_property
    def sha256(self) -> str:
        """As of `Trace.sha256`; of arrays that `parts` has found to fit a system."""
        return hash_of(self.arrays)

    def to_dict(self) -> dict[str, Any]:
        """How the trace is used, as of `TraceParts.to_dict`."""
        slots = len(next(iter(self.arrays.values())))
        searched = first_slots(slots, self.search_slots)
        drawn = next((name for name in RECORDED if name not in self.arrays), None)
        return use_of(self.sha256, searched, slots - searched, drawn)

    def parts(self, system: System, seed: int) -> TraceParts:
        """Make the parts of a system.

        Parameters
        ----------
        system : System
            That the trace must fit; what the trace lacks is drawn from its law.
        seed : int
            Of what is drawn.

        Returns
        -------
        TraceParts

        Raises
        ------
        DocumentError
            If the trace does not fit the system.
        ProblemError
            As `divide` raises it.
        """
        arrays: Any = self.arrays
        trace = complete_trace(system, **arrays, seed=seed)
        trace.check_against(system)
        return divide(trace, system, self.search_slots)
