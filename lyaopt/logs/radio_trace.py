"""From logs to the channel gains of a trace: shares of measured radios, or gains of Shannon's."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from lyaopt.arrays import Floats
from lyaopt.errors import ProblemError
from lyaopt.logs.segments import Log, slot_means
from lyaopt.logs.units import Quantity

_LN2 = math.log(2.0)


@dataclass(frozen=True, eq=False)
class RadioTrace:
    """Channels of M devices in T slots.

    Attributes
    ----------
    channel_gain : ndarray (T, M)
        Gains; of devices with a `rate_bps` the share of it that can be carried.
    rate_bps : tuple of float, or None
        Largest rate of each device, for its measured radio; None where gains are those of Shannon's rate.
    slot_duration_s : float
    names : tuple of str
        Of the logs.
    """

    channel_gain: Floats
    rate_bps: tuple[float, ...] | None
    slot_duration_s: float
    names: tuple[str, ...]

    @property
    def slots(self) -> int:
        """T."""
        return len(self.channel_gain)

    def to_bytes(self) -> bytes:
        """The trace as an .npz file, without arrivals."""
        buffer = io.BytesIO()
        np.savez_compressed(buffer, channel_gain=self.channel_gain)
        return buffer.getvalue()


def import_logs(
    logs: Sequence[Log],
    quantity: Quantity,
    *,
    step_s: float,
    slots: int | None = None,
    to_gain: Sequence[tuple[float, float, float]] | None = None,
    reference_dbm: float | None = None,
) -> RadioTrace:
    """Make a trace of logs, one for each device.

    Parameters
    ----------
    logs : sequence of Log
        At least one.
    quantity : Quantity
        What they hold; rates may have been made of amounts.
    step_s : float
        Slot length tau, in seconds.
    slots : int, optional
        T; by default as many as fit into the shortest log.
    to_gain : sequence of (float, float, float), optional
        Of each device the power in W, the bandwidth in Hz and N_0 in W/Hz at which the rate or the
        signal-to-noise ratio was reached. Without it rates become shares of a measured radio.
    reference_dbm : float, optional
        Power at the sender, in dBm, of the signal whose received power the logs hold.

    Returns
    -------
    RadioTrace

    Raises
    ------
    ProblemError
        If an argument is missing or wrong, a log is shorter than a slot, or a gain is above 1.
    """
    if not step_s > 0.0 or math.isinf(step_s):
        raise ProblemError("$.step", f"expected a finite number of seconds > 0, got {step_s}")
    whole = min(int(log.duration_s / step_s * (1.0 + 1e-12)) for log in logs)
    count = whole if slots is None else slots
    if not 1 <= count <= whole:
        raise ProblemError("$.slots", f"expected from 1 to the {whole} of the shortest log, got {count}")
    if quantity in (Quantity.RATE, Quantity.AMOUNT) and to_gain is None:
        return _of_radios(logs, step_s, count)
    columns = []
    for m, log in enumerate(logs):
        radio = None if to_gain is None else to_gain[m]
        if quantity in (Quantity.RATE, Quantity.AMOUNT):
            assert radio is not None, "shares were made above"
            # At the gain of a slot's mean rate the slot carries what was measured; a mean of gains would not.
            gains = gains_from_rates(slot_means(log, step_s, count), *radio)
        else:
            gains = slot_means(_as_gains(log, quantity, radio, reference_dbm), step_s, count)
        columns.append(_at_most_one(gains, log, m))
    return RadioTrace(np.column_stack(columns), None, step_s, tuple(log.name for log in logs))


def _at_most_one(gains: Floats, log: Log, m: int) -> Floats:
    """The gains, none of which receives more than was sent."""
    most = float(gains.max())
    if not most <= 1.0:
        expected = f"expected gains of at most 1, got {most:.3g} in {log.name}"
        raise ProblemError(f"$.files[{m}]", f"{expected}: are unit, power and bandwidth right?")
    return gains


def _of_radios(logs: Sequence[Log], step_s: float, slots: int) -> RadioTrace:
    """Shares of the largest rate of each log in a slot."""
    rates = np.column_stack([slot_means(log, step_s, slots) for log in logs])
    most = rates.max(axis=0)
    for m, log in enumerate(logs):
        if not most[m] > 0.0:
            raise ProblemError(
                f"$.files[{m}]", f"expected a rate above 0 in some slot of {log.name}, got none"
            )
    shares = np.minimum(rates / most, 1.0)
    return RadioTrace(shares, tuple(most.tolist()), step_s, tuple(log.name for log in logs))


def _as_gains(
    log: Log, quantity: Quantity, radio: tuple[float, float, float] | None, reference_dbm: float | None
) -> Log:
    """The log with gains as values."""
    if quantity is Quantity.GAIN:
        return log
    if quantity is Quantity.GAIN_DB:
        return replace(log, values=_from_db(log.values))
    if quantity is Quantity.RECEIVED_DBM:
        if reference_dbm is None:
            raise ProblemError("$.reference_dbm", "missing: received power over sent power is the gain")
        return replace(log, values=_from_db(log.values - reference_dbm))
    if radio is None:
        raise ProblemError("$.power_w", "missing: the gain is the ratio times noise over power")
    return replace(log, values=gains_from_snr(_from_db(log.values), *radio))


def _from_db(values: Floats) -> Floats:
    with np.errstate(over="ignore"):
        return np.asarray(10.0 ** (values / 10.0))


def gains_from_snr(ratio: Floats, power_w: float, bandwidth_hz: float, noise_w_per_hz: float) -> Floats:
    """Gain h of signal-to-noise ratios p h / (b_w N_0).

    Parameters
    ----------
    ratio : ndarray
        Linear, not in dB.
    power_w, bandwidth_hz, noise_w_per_hz : float
        p, b_w and N_0 at which they were measured.
    """
    return np.asarray(ratio * (bandwidth_hz * noise_w_per_hz / power_w))


def gains_from_rates(rate_bps: Floats, power_w: float, bandwidth_hz: float, noise_w_per_hz: float) -> Floats:
    """Gain h at which Shannon's rate (3), b_w log2(1 + p h / (b_w N_0)), is the one that was measured.

    Parameters
    ----------
    rate_bps : ndarray
        Rates, in bit/s.
    power_w, bandwidth_hz, noise_w_per_hz : float
        p, b_w and N_0 at which they were measured.
    """
    with np.errstate(over="ignore"):
        ratio = np.expm1(rate_bps * (_LN2 / bandwidth_hz))
    return gains_from_snr(ratio, power_w, bandwidth_hz, noise_w_per_hz)
