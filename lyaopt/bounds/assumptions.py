"""What bounds ask of arrivals and of the sizes of tasks.

LB1 and LB3 hold for all arrivals, by their mean rates, and LB2 for every sample path. LB4 follows a Markov
chain of Poisson rates. Where the sizes of tasks vary, bounds hold that are linear in the work of a task: its
mean is that of a usual one.
"""

from __future__ import annotations

from collections.abc import Iterator

from lyaopt.errors import ProblemError
from lyaopt.model.system import Service, System


def _places(system: System) -> Iterator[tuple[str, Service]]:
    for m, device in enumerate(system.devices):
        for n, service in enumerate(device.services):
            yield f"$.devices[{m}].services[{n}]", service


def sizes_vary(system: System) -> bool:
    """Tell whether the sizes of some service's tasks vary.

    Parameters
    ----------
    system : System
        The system.
    """
    return any(service.task_size is not None for service in system.services)


def refuse_sizes(system: System, bound: str) -> None:
    """Refuse tasks of varying size.

    Parameters
    ----------
    system : System
        The system.
    bound : str
        Name of the bound that is not linear in their work.

    Raises
    ------
    ProblemError
        If there are some; the path names the service.
    """
    for path, service in _places(system):
        if service.task_size is not None:
            raise ProblemError(f"{path}.task_size", f"{bound} does not hold for tasks of varying size")


def refuse_arrivals(system: System, bound: str) -> None:
    """Refuse arrivals that are not Poisson, at rates that a Markov chain may switch.

    Parameters
    ----------
    system : System
        The system.
    bound : str
        Name of the bound that needs them.

    Raises
    ------
    ProblemError
        If there are some; the path names the service.
    """
    for path, service in _places(system):
        kind = service.arrivals.kind
        if kind not in ("poisson", "on-off"):
            law = "arrivals in batches" if kind == "batches" else f"{kind} arrivals"
            raise ProblemError(f"{path}.arrivals.kind", f"{bound} does not hold for {law}")


def why_not_lb4(system: System) -> str | None:
    """Say why LB4 does not hold for a system, if it is for its arrivals or the sizes of its tasks.

    Parameters
    ----------
    system : System
        The system.
    """
    try:
        refuse_arrivals(system, "LB4")
        refuse_sizes(system, "LB4")
    except ProblemError as error:
        return f"{error.path}: {error.reason}"
    return None
