"""Parts of the lanes of a kernel, which may run in threads of their own.

A part is a pair: its number, and of how many. Parts are cut between blocks of lanes, so that each lane is
solved beside the same others, and to the same bits, in however many parts.
"""

from typing import Any

from lyaopt._kernels.slot.blocks import LaneRange
from lyaopt._kernels.toolchain.jit import Kernel, inline

WHOLE = (0, 1)
PART = "UniTuple(i8, 2)"  # in signatures


@inline
def lanes_of_part(lane_count, width, part):
    """Return the first lane of a part of the blocks of `width` lanes, and the one after its last."""
    blocks = (lane_count + width - 1) // width
    number, parts = part
    return blocks * number // parts * width, min(lane_count, blocks * (number + 1) // parts * width)


@inline
def part_of_run(run, width, part):
    """Return a part of a run of lanes, both `LaneRange`; blocks begin with the run."""
    first, last = lanes_of_part(run.count, width, part)
    return LaneRange(run.start + first, last - first)


class PartKernel(Kernel):
    """A kernel whose last argument is the part that it takes. Python may leave it out, for all lanes."""

    def __call__(self, *args: Any) -> Any:
        if len(args) < self.function.__code__.co_argcount:
            args += (WHOLE,)
        return self._entry(*args)
