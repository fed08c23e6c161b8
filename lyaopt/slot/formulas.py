"""The kernels' formulas of energies, prices and objectives, for numbers and arrays outside of kernels.

They are the functions of `lyaopt._kernels.slot.energies` as plain Python, which takes NumPy arrays.
"""

from __future__ import annotations

import inspect

from lyaopt._kernels.slot import energies

local_energy = inspect.unwrap(energies.local_energy)
"""tau delta f^3 in J, equation (5), of (tau, delta, f)."""
transmit_energy = inspect.unwrap(energies.transmit_energy)
"""tau p in J, equation (6), of (tau, p)."""
price = inspect.unwrap(energies.price)
"""tau nu, what one more unit of capacity is worth, of (tau, nu)."""
objective = inspect.unwrap(energies.objective)
"""U E - tau sum f Q, of (U, E, tau sum f Q)."""
