"""Certificates of eight devices side by side, of what is no optimum, against those of one lane at a time.

Interpreted, since only the kernels between solving and certifying take what is no optimum; run by
test_few_devices.py. Prints how many slots were compared.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lyaopt import solve_slots
from lyaopt._kernels.slot import few_certificate as certificate
from lyaopt._kernels.slot.certificate_sums import BY_FOUR
from lyaopt._kernels.slot.few_rows import SlotArrays, few_rows, load_rows_of, rows_size
from lyaopt._kernels.toolchain.masked_rows import LANES
from lyaopt.slot.batch_solution import BatchSolution
from tests.kernels.test_sizes import make_batch

DEVICES, SERVICES = 5, 3
FACTORS = (1.0, 1.0 + 1e-9, 1.0 - 1e-9, 1.01, 0.5, 2.0, 0.0, -0.1)
RATES = ("local_cpu_hz", "rate_bps", "edge_cpu_hz")
FOUND = ("cpu_hz", "power_w", "local_multiplier", "transmit_multiplier")


def certified(solution: BatchSolution) -> tuple[float, float]:
    """Gap and violation of a batch of one slot, by the rows of eight devices."""
    batch = solution.batch
    given = [
        np.ascontiguousarray(array[0].T).ravel()
        for array in (batch.local_queue_cycles, batch.transmit_queue_bits, batch.edge_queue_cycles)
    ]
    devices = [batch.cpu_capacity_hz, batch.max_power_w, batch.channel_gain[0], batch.bandwidth_hz]
    devices = [np.array(values) for values in devices]
    rows = few_rows(4, SERVICES, np.empty(rows_size(SERVICES, 4)))
    arrays = SlotArrays(tuple(given), tuple(devices), (), ())
    load_rows_of(SERVICES, arrays, 0, DEVICES, rows)
    for rate, name in zip(rows.rates, RATES, strict=True):
        rate[:] = 0.0
        rate[:SERVICES, :DEVICES] = getattr(solution, name)[0].T
    for row, name in zip(rows.found, FOUND, strict=True):
        row[:] = 0.0
        row[:DEVICES] = getattr(solution, name)[0]
    report = np.empty((certificate.REPORT_ROWS, LANES))
    weights = batch.energy_weight_local, batch.energy_weight_transmit
    edge_nu = solution.edge_multiplier[0]
    prices = certificate.Prices(
        batch.slot_duration_s, *weights, batch.energy_coefficient, batch.noise_w_per_hz, edge_nu
    )
    certificate.certify_few_lanes(BY_FOUR, rows, prices, DEVICES, report)
    worst = certificate.worst_with(certificate.NOTHING, rows, report, DEVICES, prices.tau)
    return certificate.summary_of(worst, prices, batch.edge_capacity_hz)[3:]


def main() -> None:
    compared = 0
    rng = np.random.default_rng(3)
    for seed in range(12):
        solution = solve_slots(make_batch(SERVICES, devices=DEVICES, slots=1, edge=3e8, seed=seed))
        for name in (*RATES, *FOUND[1:], "edge_multiplier"):
            factors = rng.choice(FACTORS, getattr(solution, name).shape)
            if name not in RATES:
                factors = np.abs(factors)
            changed = np.asfortranarray(getattr(solution, name) * factors)
            wrong = replace(solution, **{name: changed})
            slow = wrong.independent_certificate()
            with np.errstate(all="ignore"):
                gap, violation = certified(wrong)
            np.testing.assert_allclose(gap, slow.relative_gap[0], rtol=1e-6, atol=1e-14, err_msg=name)
            np.testing.assert_allclose(violation, slow.max_violation[0], rtol=1e-6, atol=1e-14, err_msg=name)
            compared += 1
    print(compared)


if __name__ == "__main__":
    main()
