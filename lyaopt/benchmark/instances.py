"""The frozen instances of the benchmark: scenarios as shipped files, each checked against its SHA-256.

The files are not those of `lyaopt.model.scenarios`, so that a scenario may change and an instance may not.
A hash covers the text of the file, which states every setting, and the numbers of the networks that it names.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from lyaopt.errors import ProblemError
from lyaopt.model.scenarios import parse_scenario
from lyaopt.model.system import System

_DATA = files("lyaopt.benchmark") / "data"


@dataclass(frozen=True)
class Budget:
    """How much is simulated, and on which seed.

    Attributes
    ----------
    replications, slots, warmup : int
        Of each run; `slots` are measured.
    seed : int
        Of arrivals and channels.
    search_slots : int
        Largest number of slots that a shipped policy may simulate to prepare itself for an instance.
    trial_slots, trial_replications : int
        Of each trial in such a preparation.
    trace_sha256 : str or None
        Hash of the traces of this seed, see `lyaopt.benchmark.traces`; None if they are not checked.
    """

    replications: int
    slots: int
    warmup: int
    seed: int
    search_slots: int
    trial_slots: int
    trial_replications: int
    trace_sha256: str | None = None


@dataclass(frozen=True, eq=False)
class Instance:
    """One instance.

    Attributes
    ----------
    name, about : str
        Its name, and what it is in a few words.
    system : System
        With a waiting cost.
    sha256 : str
        Of its content.
    traced : bool
        Whether arrivals and channels come from frozen traces; the channel of `system` is their law.
    """

    name: str
    about: str
    system: System
    sha256: str
    traced: bool = False


@dataclass(frozen=True, eq=False)
class Suite:
    """A version of the benchmark.

    Attributes
    ----------
    version : str
    instances : tuple of Instance
    full, quick : Budget
        Of figures to submit, and of a first look.
    training_seeds : int
        Seeds from 0 up to it, excluded, are for training and tuning.
    """

    version: str
    instances: tuple[Instance, ...]
    full: Budget
    quick: Budget
    training_seeds: int

    def select(self, names: Sequence[str] | None = None) -> tuple[Instance, ...]:
        """Return instances by name, in the order of the suite.

        Parameters
        ----------
        names : sequence of str, optional
            All by default.

        Raises
        ------
        ProblemError
            If there is no such instance.
        """
        known = {instance.name: instance for instance in self.instances}
        for number, name in enumerate(names or ()):
            if name not in known:
                reason = f"expected one of {', '.join(known)}; got {name!r}"
                raise ProblemError(f"$.instances[{number}]", reason)
        return tuple(item for item in self.instances if names is None or item.name in names)


@cache
def load_suite() -> Suite:
    """Load the suite of this version of lyaopt, and check every instance.

    Returns
    -------
    Suite

    Raises
    ------
    ProblemError
        If an instance is not the one whose hash the suite states: the installation was changed.
    """
    data = tomllib.loads((_DATA / "suite.toml").read_text(encoding="utf-8"))
    instances = tuple(_instance(number, item) for number, item in enumerate(data["instances"]))
    full, quick = Budget(**data["full"]), Budget(**data["quick"])
    return Suite(data["version"], instances, full, quick, data["training_seeds"])


def _instance(number: int, stated: dict[str, Any]) -> Instance:
    text = (_DATA / f"{stated['name']}.toml").read_bytes()
    return checked_instance(text, stated, f"$.instances[{number}].sha256")


def checked_instance(text: bytes, stated: dict[str, Any], place: str = "$.sha256") -> Instance:
    """Make an instance of the text of a scenario.

    Parameters
    ----------
    text : bytes
        The scenario.
    stated : dict
        `name`, `about`, `sha256` and perhaps `traced`, as in the list of the suite.
    place : str
        Path of the hash, for the error.

    Returns
    -------
    Instance

    Raises
    ------
    ProblemError
        If the content has another hash.
    """
    system = parse_scenario(text)
    got = content_hash(text, system)
    if got != stated["sha256"]:
        raise ProblemError(place, f"{stated['name']}: expected {stated['sha256']}, got {got}")
    return Instance(system=system, **stated)


def content_hash(text: bytes, system: System) -> str:
    """SHA-256 of an instance, in hexadecimal.

    Parameters
    ----------
    text : bytes
        Its scenario.
    system : System
        Of this text: names the networks, whose counts of operations and bits are hashed too.

    Returns
    -------
    str
    """
    digest = hashlib.sha256(text)
    networks = {service.profile.name: service.profile.cuts for service in system.services}
    for name in sorted(networks):
        counts = [[cut.macs, cut.bits] for cut in networks[name]]
        digest.update(json.dumps([name, counts]).encode())
    return digest.hexdigest()
