"""Logs of radios: readers, gaps, resampling, and gains that give back what was measured."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lyaopt.errors import LyaoptError, ParseError, ProblemError
from lyaopt.logs import LAYOUTS, Log, Quantity, import_logs, layout_of, read_log, slot_means

NOISE = 10.0**-20.4


def read(tmp_path, text, name="csv", max_gap_s=None, **changes):
    path = tmp_path / "log.txt"
    path.write_text(text, encoding="utf-8")
    return read_log(path, layout_of(name, **changes), max_gap_s)


def rate_at(log, time_s):
    """Value that holds at a time, by looking at every segment; 0 where there is none."""
    found = [v for a, b, v in zip(log.starts_s, log.ends_s, log.values, strict=True) if a <= time_s < b]
    assert len(found) <= 1
    return found[0] if found else 0.0


LAYOUTS_OF_PUBLIC_LOGS = {
    # Two seconds at 8 Mbit/s, then one at 2 Mbit/s, in the layout of each log
    "csv": "seconds,Mbps\n0,8\n1,8\n2,2\n",
    "columns": "0 8\n1 8\n2 2\n",
    "pensieve": "0.0\t8.0\n1.0\t8.0\n2.0\t2.0\n",
    "ghent-4g": (
        "1453121790686 0 51.0 3.7 0 0\n1453121791686 1000 51.0 3.7 1000000 1000\n"
        "1453121792686 2000 51.0 3.7 1000000 1000\n1453121793686 3000 51.0 3.7 250000 1000\n"
    ),
    "riiser-3g": "1289406399 549 59.8 10.7 500000 500\n1289406401 2049 59.8 10.7 1500000 1500\n"
    "1289406402 3049 59.8 10.7 250000 1000\n",
    "ucc-5g": (
        "Timestamp,Longitude,RSRP,SNR,DL_bitrate,UL_bitrate\n2019.12.14_10.16.30,-8.4,-95,10,1,8000\n"
        "2019.12.14_10.16.31,-8.4,-95,-,1,8000\n2019.12.14_10.16.32,-8.4,-95,11,1,2000\n"
    ),
    "mahimahi": "".join(f"{1 + ms}\n" * (2 if ms % 3 else 0) + "" for ms in range(2000))
    + "".join(f"{2001 + ms}\n" for ms in range(0, 1000, 6)),
}


@pytest.mark.parametrize("name", LAYOUTS_OF_PUBLIC_LOGS)
def test_every_layout_gives_the_rates_that_were_logged(name, tmp_path):
    log = read(tmp_path, LAYOUTS_OF_PUBLIC_LOGS[name], name)
    means = slot_means(log, 1.0, 3)
    if name == "mahimahi":  # packets of 12,000 bits: two in two of three milliseconds, then one in six
        expected = [2 * 12_000 * count / 1.0 for count in (666, 667)] + [167 * 12_000]
        np.testing.assert_allclose(means, expected, rtol=1e-12)
    else:
        np.testing.assert_allclose(means, [8e6, 8e6, 2e6], rtol=1e-12)


def test_all_layouts_are_tested():
    assert set(LAYOUTS_OF_PUBLIC_LOGS) == set(LAYOUTS)


@st.composite
def logs(draw):
    lengths = draw(st.lists(st.integers(1, 40), min_size=1, max_size=30))
    pauses = draw(st.lists(st.integers(0, 20), min_size=len(lengths), max_size=len(lengths)))
    values = draw(st.lists(st.floats(0.0, 1e9), min_size=len(lengths), max_size=len(lengths)))
    starts = np.cumsum([0, *(a + b for a, b in zip(lengths[:-1], pauses[:-1], strict=True))]) / 16.0
    return Log("made", starts, starts + np.array(lengths) / 16.0, np.array(values))


@given(logs(), st.integers(1, 64))
@settings(max_examples=100)
def test_slots_keep_all_data_and_nothing_else(log, sixteenths):
    step = sixteenths / 64.0
    slots = math.ceil(log.duration_s / step)
    means = slot_means(log, step, slots)
    total = math.fsum(log.values * (log.ends_s - log.starts_s))
    np.testing.assert_allclose(means.sum() * step, total, rtol=1e-9, atol=1e-3)
    assert (means >= 0.0).all()
    assert means.max() <= log.values.max()
    fine = np.array([rate_at(log, (i + 0.5) / 256.0) for i in range(int(slots * step * 256.0))])
    per_slot = round(step * 256.0)
    np.testing.assert_allclose(
        means, fine.reshape(slots, per_slot).mean(axis=1), rtol=1e-9, atol=1e-9 * max(1.0, total)
    )


def test_long_pauses_and_empty_cells_have_no_coverage(tmp_path):
    log = read(tmp_path, "t,v\n0,8\n1,\n2,8\n3,4\n60,4\n61,4\n")
    assert [rate_at(log, t) for t in (0.5, 1.5, 2.5, 3.9, 4.1, 59.0, 60.5)] == [8e6, 0, 8e6, 4e6, 0, 0, 4e6]
    assert log.gaps == 2
    patient = read(tmp_path, "t,v\n0,8\n1,\n2,8\n3,4\n60,4\n61,4\n", max_gap_s=100.0)
    assert rate_at(patient, 59.0) == 4e6
    assert patient.gaps == 1


def test_values_at_one_time_are_averaged_and_amounts_added(tmp_path):
    twice = read(tmp_path, "t;v\n0;2\n0;4\n1;5\n", unit="kbit/s")
    assert twice.values.tolist() == [3e3, 5e3]
    amounts = "a 0 1\na 1000 100\na 1000 300\n"
    added = read(
        tmp_path,
        amounts.replace("a", "0"),
        "columns",
        time="2",
        value="3",
        unit="bit",
        time_unit="ms",
        length="2",
        length_unit="ms",
    )
    assert added.values.sum() == 400 / 2.0


@pytest.mark.parametrize(
    ("text", "changes", "reason"),
    [
        ("t,v\n0,8\n", {}, "two different times"),
        ("t,v\n", {}, "two lines"),
        ("", {}, "empty file"),
        ("t,v\n0,8\n1,x\n", {}, ":.*expected a finite number >= 0, or nothing, got 'x'"),
        ("t,v\n0,8\n1,-1\n", {}, "got '-1'"),
        ("t,v\n0,8\n1,inf\n", {}, "got 'inf'"),
        ("t,v\n1,8\n0,8\n", {}, "at least 1 s, got 0"),
        ("t,v\nnoon,8\n", {}, "a number or a date, got 'noon'"),
        ("t,v\n0\n", {}, "at least 2 columns, got 1"),
        ("t,v\n0,8\n1,8\n", {"value": "w"}, r"\$\.column: expected one of t, v, got 'w'"),
        ("t,v\n0,8\n1,8\n", {"value": "3"}, r"\$\.column"),
        ("t,v\n0,\n1,\n", {}, "at least one interval"),
        ("t,v\n0,8\n1,8\n", {"unit": "B"}, r"\$\.length"),
        ("t,v\n0,8\n1,8\n", {"length": "t"}, r"\$\.length"),
    ],
)
def test_what_is_no_log_is_refused(text, changes, reason, tmp_path):
    with pytest.raises(LyaoptError, match=reason if not reason.startswith(":") else reason[3:]):
        read(tmp_path, text, **changes)


@pytest.mark.parametrize("text", ["1\n2\nx\n", "5\n3\n", "1.5\n", "-1\n"])
def test_what_is_no_log_of_mahimahi_names_its_line(text, tmp_path):
    with pytest.raises(ParseError, match="milliseconds") as caught:
        read(tmp_path, text, "mahimahi")
    assert caught.value.line == len(text.splitlines())


@pytest.mark.parametrize("text", ["", "0\n0\n"])
def test_a_log_of_mahimahi_lasts(text, tmp_path):
    with pytest.raises(ProblemError, match="above 0 ms"):
        read(tmp_path, text, "mahimahi")


def test_bytes_that_are_no_text_name_their_line(tmp_path):
    path = tmp_path / "log.csv"
    path.write_bytes(b"t,v\n0,1\n1,\xff\n")
    with pytest.raises(ParseError, match="UTF-8") as caught:
        read_log(path, layout_of("csv"))
    assert caught.value.line == 3


@pytest.mark.parametrize("field", ["unit", "time_unit", "length_unit", "kind"])
def test_wrong_layouts_are_refused(field):
    with pytest.raises(ProblemError, match="expected one of"):
        layout_of("csv", **{field: "parsec"})


def test_unknown_layouts_are_refused():
    with pytest.raises(ProblemError, match=r"\$\.format"):
        layout_of("pcap")


def steady(value, name="log"):
    return Log(name, np.array([0.0]), np.array([1.0]), np.array([value]))


def test_gains_of_rates_give_the_rates_back():
    """Shannon's rate (3) at the gain is what was measured."""
    power, bandwidth = 0.3, 250e3
    for rate in (1.0, 1e4, 2e6):
        trace = import_logs([steady(rate)], Quantity.RATE, step_s=0.1, to_gain=[(power, bandwidth, NOISE)])
        gain = trace.channel_gain[0, 0]
        found = bandwidth * math.log1p(power * gain / (bandwidth * NOISE)) / math.log(2.0)
        assert found == pytest.approx(rate, rel=1e-12)
        assert trace.rate_bps is None


def test_gains_of_a_slot_carry_what_was_measured_in_it():
    """The mean of the gains would carry more: Shannon's rate is concave in the gain."""
    power, bandwidth = 0.3, 1e6
    log = Log("log", np.array([0.0, 0.5]), np.array([0.5, 1.0]), np.array([1e5, 5e6]))
    trace = import_logs([log], Quantity.RATE, step_s=1.0, to_gain=[(power, bandwidth, NOISE)])
    found = bandwidth * math.log1p(power * trace.channel_gain[0, 0] / (bandwidth * NOISE)) / math.log(2.0)
    assert found == pytest.approx(2.55e6, rel=1e-12)


@pytest.mark.parametrize("rate", [100e6, 1e9])
def test_more_than_was_sent_is_not_received(rate):
    with pytest.raises(ProblemError, match=r"files\[0\]: expected gains of at most 1, got .* in log"):
        import_logs([steady(rate)], Quantity.RATE, step_s=0.5, to_gain=[(0.3, 1e6, NOISE)])


def test_slots_of_weak_gains_keep_their_digits():
    values = np.array([1e-6, 1e-14] * 5000)
    edges = np.arange(10_001) / 8.0
    means = slot_means(Log("log", edges[:-1], edges[1:], values), 0.125, 10_000)
    np.testing.assert_allclose(means, values, rtol=1e-12)


def test_gains_of_ratios_and_of_received_power():
    power, bandwidth = 0.2, 1e6
    of_ratio = import_logs([steady(13.0)], Quantity.SNR_DB, step_s=0.5, to_gain=[(power, bandwidth, NOISE)])
    ratio = power * of_ratio.channel_gain[0, 0] / (bandwidth * NOISE)
    assert 10.0 * math.log10(ratio) == pytest.approx(13.0)
    received = import_logs([steady(-95.0)], Quantity.RECEIVED_DBM, step_s=0.5, reference_dbm=18.0)
    assert 10.0 * math.log10(received.channel_gain[0, 0]) == pytest.approx(-113.0)
    in_db = import_logs([steady(-100.0)], Quantity.GAIN_DB, step_s=0.5)
    assert in_db.channel_gain[0, 0] == pytest.approx(1e-10)


def test_shares_times_the_largest_rate_are_the_rates():
    log = Log("log", np.array([0.0, 1.0]), np.array([1.0, 3.0]), np.array([4e6, 1e6]))
    trace = import_logs([log, steady(5.0)], Quantity.RATE, step_s=0.5)
    assert trace.slots == 2  # of the shorter log
    alone = import_logs([log], Quantity.RATE, step_s=0.5)
    np.testing.assert_allclose(alone.channel_gain[:, 0] * alone.rate_bps[0], [4e6] * 2 + [1e6] * 4)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"quantity": Quantity.SNR_DB}, r"\$\.power_w"),
        ({"quantity": Quantity.RECEIVED_DBM}, r"\$\.reference_dbm"),
        ({"step_s": 0.0}, r"\$\.step"),
        ({"step_s": math.inf}, r"\$\.step"),
        ({"step_s": 2.0}, r"\$\.slots"),
        ({"slots": 11}, r"\$\.slots: expected from 1 to the 10 of the shortest log, got 11"),
    ],
)
def test_wrong_imports_are_refused(options, reason):
    given = {"quantity": Quantity.RATE, "step_s": 0.1} | options
    with pytest.raises(ProblemError, match=reason):
        import_logs([steady(3.0)], given.pop("quantity"), **given)


def test_a_radio_without_any_rate_is_refused():
    with pytest.raises(ProblemError, match="above 0 in some slot of log"):
        import_logs([steady(0.0)], Quantity.RATE, step_s=0.1)
