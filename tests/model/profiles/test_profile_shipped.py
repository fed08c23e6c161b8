"""The shipped profiles: their totals are the published ones, and their cuts are those counted by hand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lyaopt.model.profiles import Source, list_profiles, load_profile

# MMAC, from the literature (classification) and from the model cards' layers (the others).
PUBLISHED = {
    "alexnet": (705, 720),
    "vgg16": (15_450, 15_550),
    "resnet18": (1_810, 1_820),
    "resnet50": (4_085, 4_120),
    "mobilenetv2": (300, 320),
    "hand_landmark": (330, 332),
    "hand_landmark_lite": (145, 147),
    "palm_detection": (336, 338),
    "face_detection": (30, 32),
    "face_landmark": (34, 36),
    "iris_landmark": (53, 55),
    "pose_detection": (429, 431),
    "pose_landmark": (385, 387),
    "whisper_tiny_encoder": (18_460, 18_480),
}
IMAGE_SIDES = {
    "alexnet": 224,
    "vgg16": 224,
    "resnet18": 224,
    "resnet50": 224,
    "mobilenetv2": 224,
    "hand_landmark": 224,
    "hand_landmark_lite": 224,
    "palm_detection": 192,
    "face_detection": 128,
    "face_landmark": 192,
    "iris_landmark": 64,
    "pose_detection": 224,
    "pose_landmark": 256,
}


def test_every_shipped_profile_is_checked_here():
    assert list_profiles() == tuple(sorted(PUBLISHED))


@pytest.mark.parametrize("name", list_profiles())
def test_totals_are_the_published_ones(name):
    profile = load_profile(name)
    least, most = PUBLISHED[name]
    assert least <= profile.total_macs / 1e6 <= most
    assert profile.name == name
    if name in IMAGE_SIDES:
        assert profile.input_bits == IMAGE_SIDES[name] ** 2 * 3 * 8


@pytest.mark.parametrize("name", list_profiles())
def test_cuts_are_distinct_and_whole_elements(name):
    profile = load_profile(name)
    macs = [cut.macs for cut in profile.cuts]
    assert len(set(macs)) == len(macs) > 5
    assert all(cut.bits % profile.bits_per_element == 0 for cut in profile.cuts)
    assert all(cut.bits > 0 for cut in profile.cuts[:-1])
    # No two cuts leave more than half of the work between them: there is a choice to make.
    assert np.max(np.diff(profile.mac_share)) < 0.5


@pytest.mark.parametrize("name", list_profiles())
def test_sources_are_complete(name):
    source = load_profile(name).source
    assert isinstance(source, Source)
    assert source.licence in ("MIT", "Apache-2.0")


@pytest.mark.parametrize(("name", "count"), [("resnet18", 11), ("resnet50", 19), ("mobilenetv2", 34)])
def test_residual_networks_are_cut_between_blocks(name, count):
    assert len(load_profile(name).cuts) == count


def test_resnet18_by_hand():
    profile = load_profile("resnet18")
    stem = 112 * 112 * 64 * 7 * 7 * 3
    block = 2 * 56 * 56 * 64 * 64 * 9
    first_strided = 28 * 28 * 128 * (64 * 9 + 128 * 9 + 64)
    sizes = [56 * 56 * 64] * 3 + [28 * 28 * 128] * 2
    assert [cut.macs for cut in profile.cuts[1:5]] == list(np.cumsum([stem, block, block, first_strided]))
    assert [cut.bits for cut in profile.cuts[1:6]] == [8 * size for size in sizes]
    assert profile.cuts[-1].macs - profile.cuts[-2].macs == 512 * 1000


def test_vgg16_by_hand():
    widths = [(3, 64, 224), (64, 64, 224), (64, 128, 112), (128, 128, 112), (128, 256, 56)]
    widths += [(256, 256, 56)] * 2 + [(256, 512, 28)] + [(512, 512, 28)] * 2 + [(512, 512, 14)] * 3
    layers = [side * side * 9 * read * made for read, made, side in widths]
    layers += [512 * 7 * 7 * 4096, 4096 * 4096, 4096 * 1000]
    assert [cut.macs for cut in load_profile("vgg16").cuts] == [0, *np.cumsum(layers)]


def test_the_documented_table_is_that_of_the_data():
    text = (Path(__file__).parents[3] / "docs" / "reference" / "profiles.md").read_text()
    for name in list_profiles():
        profile = load_profile(name)
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        package = f"{profile.source.package} {profile.source.version}"
        assert cells[2:4] == [f"{profile.total_macs / 1e6:.1f}", str(len(profile.cuts))]
        assert cells[4].startswith(package)
        assert cells[5] == profile.source.licence


def test_reading_profiles_imports_no_framework():
    # Not scipy: numba looks for it whenever it is imported.
    code = (
        "import sys, lyaopt.model.profiles as p; p.load_profile('alexnet');"
        "print({'torch', 'onnx', 'tflite', 'transformers', 'matplotlib', 'cvxpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
