"""Measured devices: shipped radios have sources and are documented as they are, and all devices run."""

from __future__ import annotations

import re

import numpy as np
import pytest

import lyaopt
from lyaopt.model.radios import load_radio, radio_names
from lyaopt.model.scenarios import format_scenario, parse_scenario
from tests.simulation.test_radio_energies import check
from tests.support.documented import fences, text_of

PAGE = "devices.md"
DEVICES = fences(PAGE, "toml")
EVERY = pytest.mark.parametrize("name", radio_names())


def row_of(name):
    (row,) = [line for line in text_of(PAGE).splitlines() if line.startswith(f"| `{name}` |")]
    return [cell.strip() for cell in row.strip("|").split("|")]


@EVERY
def test_figures_are_documented_as_they_are(name):
    table, radio = load_radio(name), load_radio(name).radio
    tail = f"{radio.tail_s:g} s, {radio.tail_power_w:g} W" if radio.tail_s else "-"
    assert row_of(name)[1:6] == [
        table.description,
        f"{radio.rate_bps / 1e6:g}",
        f"{radio.power_w:.4g}",
        f"{1e3 * radio.slope_w_per_mbps:.4g}",
        tail,
    ]
    assert table.name == name


@EVERY
def test_sources_name_authors_year_and_address_and_what_was_checked(name):
    table = load_radio(name)
    assert re.search(r"\b(19|20)\d\d, https://doi\.org/10\.\d+/[\d.]+", table.source)
    assert "check" in table.source
    assert ("not" in row_of(name)[6]) == (
        "not checked" in table.source or "were not" in table.source or "to check it" in table.source
    )


@EVERY
def test_figures_are_those_of_a_radio(name):
    radio = load_radio(name).radio
    joules_per_bit = radio.full_power_w / radio.rate_bps
    assert 1e-9 < joules_per_bit < 1e-5
    assert 0.05 < radio.full_power_w < 10.0
    assert (radio.tail_s > 0.0) == (radio.tail_power_w > 0.0)
    assert radio.tail_power_w < radio.full_power_w


def test_every_device_has_a_section_with_a_source():
    sections = text_of(PAGE).split("\n## ")[1:]
    with_device = [section for section in sections if "```toml" in section]
    assert len(with_device) == len(DEVICES) >= 5
    for section in with_device:
        assert "https://" in section
        assert re.search(r"\b20\d\d\b", section)
        assert "check" in section
    names = {parse_scenario(device).device_ids[0] for device in DEVICES}
    assert len(names) == len(DEVICES)


@pytest.mark.parametrize("device", DEVICES, ids=lambda text: text.split('"')[1])
def test_devices_load_and_run(device):
    weights = "[system]\nenergy_weight_local = 0.0\nenergy_weight_transmit = 0.0\n\n"
    system = parse_scenario(weights + device)
    assert parse_scenario(format_scenario(system)) == system
    sends = lyaopt.make_policy("all-offload", system)
    result = lyaopt.simulate(system, sends, slots=3000, record=True, seed=1)
    assert result.completed > 0
    assert result.mean_transmit_energy_j > 0.0
    check(result.record, system)
    radio = system.devices[0].radio
    assert (result.mean_tail_energy_j > 0.0) == (radio is not None and radio.tail_s > 0.0)
    local = lyaopt.simulate(system, lyaopt.make_policy("all-local", system), slots=3000, seed=1)
    assert local.mean_local_energy_j > 0.0
    assert local.mean_transmit_energy_j == local.mean_tail_energy_j == 0.0
    assert local.mean_idle_energy_j == result.mean_idle_energy_j == system.idle_energy_j
    assert np.isfinite(lyaopt.energy_bound(system).energy_j)


def test_a_bit_costs_what_the_page_says():
    text = " ".join(text_of(PAGE).split())
    lte, wave = load_radio("lte-2021").radio, load_radio("5g-mmwave-2021").radio

    def nanojoules(radio, mbps):
        return 1e9 * (radio.power_w / (1e6 * mbps) + radio.slope_w_per_bps)

    assert f"{nanojoules(lte, 25):.0f} nJ with `lte-2021`" in text
    assert f"of which {1e9 * lte.power_w / 25e6:.0f} are active power" in text
    assert f"and {nanojoules(wave, 190):.0f} nJ with `5g-mmwave-2021`" in text
    assert f"they are {nanojoules(lte, 6):.0f} and {nanojoules(wave, 6):.0f} nJ" in text
