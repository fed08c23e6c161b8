"""Rebuild the shipped profiles from the published definitions of their networks.

For developers: ``python -m lyaopt.model.profiles.rebuild --mediapipe WHEEL`` with the extra `profile`,
transformers, pytorchcv (installed with ``--no-deps``) and the mediapipe wheel, which is only read.
The networks get random weights: neither MACs nor shapes depend on them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from lyaopt.model.profiles.format import format_profile
from lyaopt.model.profiles.model import Profile, Source
from lyaopt.model.profiles.tflite_profiler import profile_tflite
from lyaopt.model.profiles.torch_profiler import profile_torch
from lyaopt.model.profiles.torch_verify import verify_torch

IMAGE = (1, 3, 224, 224)
MEL_SPECTROGRAM = (1, 80, 3000)

Build = Callable[[], Any]


def _alexnet() -> Any:
    from pytorchcv.models.alexnet import alexnetb

    return alexnetb()


def _vgg16() -> Any:
    from pytorchcv.models.vgg import vgg16

    return vgg16()


def _resnet18() -> Any:
    from transformers import ResNetConfig, ResNetForImageClassification

    sizes = [64, 128, 256, 512]
    config = ResNetConfig(layer_type="basic", depths=[2, 2, 2, 2], hidden_sizes=sizes, num_labels=1000)
    return ResNetForImageClassification(config)


def _resnet50() -> Any:
    from transformers import ResNetConfig, ResNetForImageClassification

    return ResNetForImageClassification(ResNetConfig(num_labels=1000))


def _mobilenetv2() -> Any:
    from transformers import MobileNetV2Config, MobileNetV2ForImageClassification

    return MobileNetV2ForImageClassification(MobileNetV2Config(num_labels=1001))


def _whisper_tiny_encoder() -> Any:
    from transformers import WhisperConfig
    from transformers.models.whisper.modeling_whisper import WhisperEncoder

    config = WhisperConfig(d_model=384, encoder_layers=4, encoder_attention_heads=6, encoder_ffn_dim=1536)
    return WhisperEncoder(config)


# name: (package, licence, definition, how to build it, shape of its input)
TORCH_NETWORKS: dict[str, tuple[str, str, str, Build, tuple[int, ...]]] = {
    "alexnet": ("pytorchcv", "MIT", "models.alexnet.alexnetb", _alexnet, IMAGE),
    "vgg16": ("pytorchcv", "MIT", "models.vgg.vgg16", _vgg16, IMAGE),
    "resnet18": (
        "transformers",
        "Apache-2.0",
        "ResNetForImageClassification, basic layers, depths 2-2-2-2, 1000 labels",
        _resnet18,
        IMAGE,
    ),
    "resnet50": (
        "transformers",
        "Apache-2.0",
        "ResNetForImageClassification, default configuration, 1000 labels",
        _resnet50,
        IMAGE,
    ),
    "mobilenetv2": (
        "transformers",
        "Apache-2.0",
        "MobileNetV2ForImageClassification, default configuration, 1001 labels",
        _mobilenetv2,
        IMAGE,
    ),
    "whisper_tiny_encoder": (
        "transformers",
        "Apache-2.0",
        "WhisperEncoder, width 384, 4 layers of 6 heads, feed-forward width 1536, 30 s of audio",
        _whisper_tiny_encoder,
        MEL_SPECTROGRAM,
    ),
}

MEDIAPIPE_VERSION = "0.10.21"
MEDIAPIPE_FILES = {
    "face_detection": "face_detection/face_detection_short_range.tflite",
    "face_landmark": "face_landmark/face_landmark.tflite",
    "hand_landmark": "hand_landmark/hand_landmark_full.tflite",
    "hand_landmark_lite": "hand_landmark/hand_landmark_lite.tflite",
    "iris_landmark": "iris_landmark/iris_landmark.tflite",
    "palm_detection": "palm_detection/palm_detection_full.tflite",
    "pose_detection": "pose_detection/pose_detection.tflite",
    "pose_landmark": "pose_landmark/pose_landmark_full.tflite",
}


def torch_profiles(verify: bool) -> Iterator[Profile]:
    """Profile the networks that PyTorch packages define; with `verify`, check every cut by running it."""
    import torch

    for name, (package, licence, definition, build, shape) in TORCH_NETWORKS.items():
        source = Source(package, version(package), licence, definition)
        module, inputs = build(), (torch.randn(shape),)
        if verify:
            verify_torch(module, inputs)
        yield profile_torch(module, inputs, name=name, source=source)


def mediapipe_profiles(wheel: Path) -> Iterator[Profile]:
    """Profile the networks of the mediapipe wheel."""
    with ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        for name, file in MEDIAPIPE_FILES.items():
            member = f"mediapipe/modules/{file}"
            source = Source("mediapipe", MEDIAPIPE_VERSION, "Apache-2.0", member)
            # Their branches span most of the network: cuts by a single tensor leave gaps of up to 90 %.
            yield profile_tflite(
                archive.extract(member, folder), name=name, source=source, selection="valleys"
            )


def main() -> int:
    """Write the shipped profiles, or compare them with new ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mediapipe", type=Path, help=f"the wheel of mediapipe {MEDIAPIPE_VERSION}")
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail when a profile would change"
    )
    parser.add_argument("--verify", action="store_true", help="run every PyTorch network cut at every cut")
    options = parser.parse_args()
    data = Path(__file__).parent / "data"
    stale = []
    profiles = list(torch_profiles(options.verify))
    profiles += mediapipe_profiles(options.mediapipe) if options.mediapipe else []
    for profile in profiles:
        file, text = data / f"{profile.name}.json", format_profile(profile)
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            stale.append(profile.name)
            if not options.check:
                file.write_text(text, encoding="utf-8")
        print(f"{profile.name:22} {profile.total_macs / 1e6:10.1f} MMAC {len(profile.cuts):3} cuts")
    print(("stale: " if options.check else "written: ") + (", ".join(stale) or "none"))
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
