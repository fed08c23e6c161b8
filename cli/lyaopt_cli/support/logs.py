"""Imports of `lyaopt trace import`: options, logs, and scenarios with measured radios."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from lyaopt.errors import ProblemError
from lyaopt_cli.support.input_files import InputError, input_errors, shown_name

if TYPE_CHECKING:
    from lyaopt.logs import Layout, Log, RadioTrace
    from lyaopt.model.system import MeasuredRadio, System

_DEFAULT_STEP_S = 0.01
_DEFAULT_NOISE_DBM = -174.0


@dataclass(frozen=True)
class LogOptions:
    """Options of ``lyaopt trace import``; None for those that are not set."""

    layout: str
    time: str | None
    time_unit: str | None
    value: str | None
    unit: str | None
    length: str | None
    length_unit: str | None
    step: float | None
    slots: int | None
    max_gap: float | None
    power_w: float | None
    radio: str | None
    to_gain: bool
    bandwidth_hz: float | None
    reference_dbm: float | None
    scenario: str | None
    save_scenario: str | None

    def check(self) -> None:
        """Raise `click.UsageError` if options do not go together."""
        from lyaopt.model.radios import radio_names

        context = click.get_current_context()
        if self.radio is not None and self.radio not in radio_names():
            names = ", ".join(radio_names())
            raise click.UsageError(f"--radio: expected one of {names}; got {self.radio!r}.", context)
        if self.save_scenario is not None and self.scenario is None:
            raise click.UsageError("--save-scenario needs --scenario.", context)
        if self.radio is not None and self.power_w is not None:
            raise click.UsageError("--radio has powers of its own: leave out --power-w.", context)
        for name in ("power_w", "bandwidth_hz"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < float("inf"):
                option = f"--{name.replace('_', '-')}"
                raise click.UsageError(f"{option}: expected a finite number > 0, got {value}.", context)

    def file_layout(self) -> Layout:
        """Where the files have times and values."""
        from lyaopt.logs import layout_of

        names = ("time", "time_unit", "value", "unit", "length", "length_unit")
        return layout_of(self.layout, **{name: getattr(self, name) for name in names})


def imported(files: Sequence[str], options: LogOptions) -> tuple[list[Log], RadioTrace, System | None]:
    """The logs, their trace, and the scenario if one is named."""
    from lyaopt.logs import Quantity, import_logs, unit_of
    from lyaopt_cli.support.input_systems import load_system

    system = None if options.scenario is None else load_system(options.scenario)
    if system is not None and len(system.devices) != len(files):
        reason = f"expected {len(system.devices)}, one for each device of the scenario, got {len(files)}"
        raise ProblemError("$.files", reason)
    layout = options.file_layout()
    quantity = unit_of(layout.unit).quantity
    logs = [_log(name, layout, options.max_gap) for name in files]
    slot_s = _DEFAULT_STEP_S if system is None else system.slot_duration_s
    trace = import_logs(
        logs,
        quantity,
        step_s=slot_s if options.step is None else options.step,
        slots=options.slots,
        to_gain=_radios(len(files), options, system)
        if options.to_gain or quantity is Quantity.SNR_DB
        else None,
        reference_dbm=options.reference_dbm,
    )
    return logs, trace, system


def _log(name: str, layout: Layout, max_gap_s: float | None) -> Log:
    from lyaopt.logs import read_log

    try:
        with input_errors(name):
            return read_log(name, layout, max_gap_s)
    except OSError as error:
        raise InputError(f"{shown_name(name)}: {error.strerror}") from None


def _radios(count: int, options: LogOptions, system: System | None) -> list[tuple[float, float, float]]:
    """Power, bandwidth and noise of each device, of which gains are made of rates or ratios."""
    from lyaopt.slot.limits import noise_w_per_hz

    given = {"power_w": options.power_w, "bandwidth_hz": options.bandwidth_hz}
    noise = noise_w_per_hz(_DEFAULT_NOISE_DBM) if system is None else system.noise_w_per_hz
    of_system = (
        {} if system is None else {"power_w": system.max_power_w, "bandwidth_hz": system.device_bandwidth_hz}
    )
    for name, value in given.items():
        if value is None and not of_system:
            raise ProblemError(f"$.{name}", "missing: give it, or a scenario whose devices have it")
    return [
        (
            float(of_system["power_w"][m]) if options.power_w is None else options.power_w,
            float(of_system["bandwidth_hz"][m]) if options.bandwidth_hz is None else options.bandwidth_hz,
            noise,
        )
        for m in range(count)
    ]


def scenario_with_radios(system: System | None, trace: RadioTrace, options: LogOptions) -> str:
    """The scenario in TOML, with the slots of the trace and measured radios of its largest rates."""
    from lyaopt.model.scenarios import format_scenario

    assert system is not None, "checked with the options"
    if trace.rate_bps is None:
        raise ProblemError("$.save_scenario", "expected rates, got gains, which need no other scenario")
    known = _known_radio(options)
    devices = tuple(
        replace(device, radio=replace(known, rate_bps=rate))
        for device, rate in zip(system.devices, trace.rate_bps, strict=True)
    )
    return format_scenario(replace(system, devices=devices, slot_duration_s=trace.slot_duration_s))


def _known_radio(options: LogOptions) -> MeasuredRadio:
    """A radio with the powers that are given, or those of a table."""
    from lyaopt.model.radios import load_radio
    from lyaopt.model.system import MeasuredRadio

    if options.radio is not None:
        return load_radio(options.radio).radio
    if options.power_w is None:
        raise ProblemError("$.power_w", "missing: a measured radio has a power while it sends, or --radio")
    return MeasuredRadio(rate_bps=1.0, power_w=options.power_w)
