"""The data of a radio table: what was measured of a radio, and by whom."""

from __future__ import annotations

from pydantic.dataclasses import dataclass

from lyaopt.io.checked import STRICT, checked
from lyaopt.io.fields import Id
from lyaopt.model.device_energies import MeasuredRadio


@checked
@dataclass(frozen=True, config=STRICT)
class RadioTable:
    """What was measured of a radio.

    Figures of whole devices include what else they draw while they send, such as the screen.
    """

    name: Id
    """Name of the radio."""
    source: Id
    """Origin of each figure, what it includes, and whether it was checked against the source."""
    licence: Id
    """Licence of the source, an SPDX expression, or ``NOASSERTION`` where it states none."""
    radio: MeasuredRadio
    """Rate and powers."""
    description: Id = ""
    """The radio in words."""
