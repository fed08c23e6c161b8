"""Warnings about values that are allowed but hardly meant."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lyaopt_cli.support.input_files import shown_name, visible

if TYPE_CHECKING:
    from lyaopt.slot.plausibility import Doubt

_SHOWN = 3


def warn_of(name: str, doubts: Sequence[Doubt]) -> None:
    """Print a line on stderr for each of the first doubts about a file, and how many more there are."""
    for doubt in doubts[:_SHOWN]:
        print(visible(f"warning: {shown_name(name)}: {doubt.path}: {doubt.reason}"), file=sys.stderr)
    if len(doubts) > _SHOWN:
        print(f"warning: {shown_name(name)}: {len(doubts) - _SHOWN} more", file=sys.stderr)
