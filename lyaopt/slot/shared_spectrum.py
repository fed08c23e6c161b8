"""What a solution knows of a shared spectrum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyaopt._kernels.slot.general_problems import SpectrumAllocation
from lyaopt._kernels.slot.problems import TransmitAllocation
from lyaopt.arrays import Floats
from lyaopt.slot.batch_fields import device_lanes


@dataclass(frozen=True, eq=False)
class SharedSpectrum:
    """Bandwidths and multiplier of a shared spectrum.

    Attributes
    ----------
    bandwidth_hz : (B, M) array
        What every device has in every slot; 0 where its radio is measured.
    multiplier : (B,) array
        mu of sum b <= B_w: tau mu is what one more hertz is worth.
    """

    bandwidth_hz: Floats
    multiplier: Floats

    def allocation(self, allocation: TransmitAllocation) -> SpectrumAllocation:
        """Return the arrays that the kernels of a shared spectrum write.

        Parameters
        ----------
        allocation : TransmitAllocation
            Rates, powers and multipliers, as the kernels see them.
        """
        rate, power, multiplier = allocation
        bandwidth = device_lanes(self.bandwidth_hz)
        return SpectrumAllocation(rate, power, bandwidth, multiplier, self.multiplier)


def no_spectrum(slots: int, devices: int) -> SharedSpectrum:
    """Return arrays for a solution.

    Parameters
    ----------
    slots, devices : int
        B and M.
    """
    return SharedSpectrum(np.zeros((slots, devices), order="F"), np.zeros(slots))
