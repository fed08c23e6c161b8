"""Edge servers of devices as text: ``phone@near`` beside the points."""

from __future__ import annotations

from lyaopt.arrays import Integers
from lyaopt.errors import ProblemError
from lyaopt.model.system import System


def split_edges(text: str, system: System) -> tuple[str, Integers | None]:
    """Split fixed points as text from the edge servers of devices.

    Parameters
    ----------
    text : str
        Items separated by commas; those of the form ``device@server`` name servers, others are points.
    system : System
        With `edges`, if there is such an item.

    Returns
    -------
    points : str
        The other items.
    edges : ndarray (M,) of int or None
        None if no server is named. Devices that are not named are at the server of best mean gain.

    Raises
    ------
    ProblemError
        `$.policy`, with the name that is wrong.
    """
    items = [item.strip() for item in text.split(",")]
    named = [item for item in items if "@" in item and "=" not in item]
    if not named:
        return text, None
    if system.edges is None:
        reason = f"expected no edge server, as the scenario has no [[edges]], got {named[0]!r}"
        raise ProblemError("$.policy", reason)
    edges, links = system.links.nearest.copy(), system.links
    for item in named:
        device, _, server = (part.strip() for part in item.partition("@"))
        for name, known in ((device, system.device_ids), (server, links.edge_ids)):
            if name not in known:
                raise ProblemError("$.policy", f"expected one of {', '.join(known)}; got {name!r}")
        m, e = system.device_ids.index(device), links.edge_ids.index(server)
        if not links.reached[e, m]:
            raise ProblemError("$.policy", f"expected a server that {device} reaches, got {server!r}")
        edges[m] = e
    return ",".join(item for item in items if item not in named), edges
