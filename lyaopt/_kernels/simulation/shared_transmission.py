"""Transmission in a slot in which the devices of a replication share their spectrum."""

from lyaopt._kernels.slot.general_problems import SpectrumAllocation
from lyaopt._kernels.slot.parts import WHOLE
from lyaopt._kernels.slot.shared_spectrum import spectrum_lanes
from lyaopt._kernels.slot.spectrum_rows import spectrum_workspace_size
from lyaopt._kernels.toolchain.jit import helper


@helper
def shared_workspace_size(services, devices, width):
    """Return how many doubles of workspace `transmit_on_shared_spectrum` takes."""
    return (devices + 1) * width + spectrum_workspace_size(services, devices, width)


@helper
def transmit_on_shared_spectrum(problem, allocation, workspace):
    """Solve a `GeneralTransmitProblem` of a block, and write its `TransmitAllocation`.

    What each device has of the spectrum, and what that is worth, stay in the workspace.
    """
    lanes = problem.gain.size
    slots = lanes // problem.measured.size
    spectrum_lanes(
        problem,
        SpectrumAllocation(
            allocation.rate,
            allocation.power,
            workspace[:lanes],
            allocation.multiplier,
            workspace[lanes : lanes + slots],
        ),
        workspace[lanes + slots :],
        WHOLE,
    )
