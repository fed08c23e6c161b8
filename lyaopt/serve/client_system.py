"""What a client knows of the system of its session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lyaopt.errors import ProblemError
from lyaopt.serve.peer_errors import PeerRefusedError
from lyaopt.serve.system_frames import SystemFrames
from lyaopt.slot.problem import SlotProblem


class ClientSystem:
    """The system that a server is known to have, if it has one."""

    def __init__(self) -> None:
        self._frames: SystemFrames | None = None

    @property
    def frames(self) -> SystemFrames:
        """Messages about the system; `PeerRefusedError` without one."""
        if self._frames is None:
            raise PeerRefusedError("not-configured", "call configure first")
        return self._frames

    @contextmanager
    def changing_to(self, problem: SlotProblem) -> Iterator[SystemFrames]:
        """Send a system within this block: which of the two the server has is known by its answer only.

        Parameters
        ----------
        problem : SlotProblem
            The next system.

        Yields
        ------
        SystemFrames
            Its messages. It is in force after the block; the former one stays if that raises `ProblemError`,
            and there is none after any other error.

        Raises
        ------
        ProblemError
            As `SystemFrames`, or the block.
        """
        system, former = SystemFrames(problem), self._frames
        self._frames = None
        try:
            yield system
        except ProblemError:
            self._frames = former
            raise
        self._frames = system
