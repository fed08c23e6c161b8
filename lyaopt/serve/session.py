"""The session of a client: its system, configured once, and the slots that are solved for it."""

from __future__ import annotations

import numpy as np

from lyaopt.errors import ProblemError
from lyaopt.serve.frames import DEVICE_ROWS, SYSTEM
from lyaopt.slot.byte_solver import ByteSolver, bytes_of
from lyaopt.slot.problem import SlotProblem

_BYTES = 8


def problem_of(payload: memoryview) -> SlotProblem:
    """Return the problem of a configuration frame; its backlogs and gains are 0.

    Parameters
    ----------
    payload : memoryview
        As docs/reference/formats.md says.

    Raises
    ------
    ProblemError
        If the length is wrong, or a number is out of range.
    """
    if len(payload) < SYSTEM.size:
        raise ProblemError("$", f"expected at least {SYSTEM.size} bytes, got {len(payload)}")
    devices, services, tau, delta, local, transmit, edge, noise = SYSTEM.unpack_from(payload)
    expected = SYSTEM.size + _BYTES * len(DEVICE_ROWS) * devices
    if not devices * services:
        raise ProblemError("$.devices", "expected at least one device, and one service")
    if len(payload) != expected:
        raise ProblemError("$", f"expected {expected} bytes of {devices} devices, got {len(payload)}")
    cpu_capacity, max_power, bandwidth = np.frombuffer(payload[SYSTEM.size :], "<f8").reshape(-1, devices)
    nothing = np.zeros((devices, services))
    return SlotProblem(
        slot_duration_s=tau,
        energy_coefficient=delta,
        energy_weight_local=local,
        energy_weight_transmit=transmit,
        edge_capacity_hz=edge,
        cpu_capacity_hz=cpu_capacity,
        max_power_w=max_power,
        channel_gain=np.zeros(devices),
        bandwidth_hz=bandwidth,
        local_queue_cycles=nothing,
        transmit_queue_bits=nothing,
        edge_queue_cycles=nothing,
        noise_psd_dbm_per_hz=noise,
    )


class Session:
    """What the server knows of a client.

    Parameters
    ----------
    largest : int
        Most bytes of a message; a system whose solution is longer is refused.

    Attributes
    ----------
    solver : ByteSolver or None
        Of the system, once it is configured.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self.solver: ByteSolver | None = None

    def configure(self, payload: memoryview) -> tuple[int, int]:
        """Take a system from a frame; return the lengths of a state and of its solution.

        Parameters
        ----------
        payload : memoryview
            As of `problem_of`.

        Raises
        ------
        ProblemError
            As `problem_of`, or if the system is too large; the former system stays.
        """
        if len(payload) >= SYSTEM.size:
            self.check_size(*SYSTEM.unpack_from(payload)[:2])
        return self.take(problem_of(payload))

    def take(self, problem: SlotProblem) -> tuple[int, int]:
        """Take the system of a problem; return the lengths of a state and of its solution.

        Parameters
        ----------
        problem : SlotProblem
            Without weights, tables or a shared spectrum.

        Raises
        ------
        ProblemError
            As `SlotSolver`, or if the system is too large; the former system stays.
        """
        devices, services = problem.local_queue_cycles.shape
        self.check_size(devices, services)
        self.solver = ByteSolver(problem)
        return self.solver.state_bytes, self.solver.solution_bytes

    def check_size(self, devices: int, services: int) -> None:
        """Refuse a system whose messages are longer than this server takes.

        Parameters
        ----------
        devices, services : int
            M and N.

        Raises
        ------
        ProblemError
        """
        size = max(bytes_of(devices, services))
        if size > self._largest:
            reason = (
                f"a slot of {devices} x {services} services takes {size} bytes, more than {self._largest}"
            )
            raise ProblemError("$.devices", reason)
