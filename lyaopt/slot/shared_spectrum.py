"""What a solution knows of a shared spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lyaopt._kernels.slot.problems import TransmitAllocation
from lyaopt.arrays import Floats

if TYPE_CHECKING:
    from lyaopt.slot.batch import SlotBatch


@dataclass(frozen=True, eq=False)
class SharedSpectrum:
    """Bandwidths and multiplier of a shared spectrum.

    Attributes
    ----------
    bandwidth_hz : (B, M) array
        What every device has in every slot.
    multiplier : (B,) array
        mu of sum b <= B_w: tau mu is what one more hertz is worth.
    """

    bandwidth_hz: Floats
    multiplier: Floats

    def certify(self, batch: SlotBatch, allocation: TransmitAllocation, report: Floats) -> None:
        """Certify Problem 4 with shared spectrum.

        Parameters
        ----------
        batch : SlotBatch
            The slots.
        allocation : TransmitAllocation
            Rates, powers and multipliers, as the kernels see them.
        report : (3, M B) array
            Receives relative gap, gross gain and violation.
        """
        raise NotImplementedError
