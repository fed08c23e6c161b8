"""Write slot.json: four devices with two services each and the default capacities, in a busy second.

Every service runs a real network. Its queues hold whole tasks and one in service, so backlogs are
multiples of the network's work plus a rest; a task is either run on the device or sent whole.
"""

import json
import math
from pathlib import Path

import numpy as np

CYCLES_PER_MAC = 0.12
IMAGE_BITS = 224 * 224 * 3 * 8
SPEECH_BITS = 80 * 3000 * 8  # log-mel frames of 30 s

# Work of one inference (MAC, bit)
NETWORKS = {
    "hand-landmark": (331e6, IMAGE_BITS),
    "mobilenetv2": (300.8e6, IMAGE_BITS),
    "resnet18": (1814.1e6, IMAGE_BITS),
    "resnet50": (4089.2e6, IMAGE_BITS),
    "alexnet": (714.2e6, IMAGE_BITS),
    "whisper-tiny-encoder": (18469e6, SPEECH_BITS),
}
SERVICES = [
    ("hand-landmark", "resnet18"),
    ("mobilenetv2", "whisper-tiny-encoder"),
    ("hand-landmark", "resnet50"),
    ("alexnet", "mobilenetv2"),
]
DISTANCES_M = (157.0, 181.0, 212.0, 243.0)


def backlog(rng: np.random.Generator, work: float) -> float:
    """Return up to two waiting tasks and the rest of the one in service, a third of the time nothing."""
    if rng.random() < 0.35:
        return 0.0
    return float(round((rng.integers(0, 3) + rng.random()) * work, 3))


def device(rng: np.random.Generator, name: str, distance: float, networks: tuple[str, ...]) -> dict:
    """Return one device of the slot document."""
    mean_gain = (3 * 3e8 / (4 * math.pi * 915e6 * distance)) ** 3
    services = []
    for network in networks:
        macs, bits = NETWORKS[network]
        cycles = macs * CYCLES_PER_MAC
        queues = {
            "local_queue_cycles": backlog(rng, cycles),
            "transmit_queue_bits": backlog(rng, bits),
            "edge_queue_cycles": backlog(rng, cycles),
        }
        services.append({"id": network, **queues})
    return {
        "id": name,
        "cpu_capacity_hz": 1.5e9,
        "max_power_w": 0.3,
        "channel_gain": float(f"{mean_gain * rng.exponential():.6g}"),
        "services": services,
    }


def main() -> None:
    rng = np.random.default_rng(246)
    document = {
        "slot_duration_s": 0.01,
        "bandwidth_hz": 1e6,
        "edge_capacity_hz": 20e9,
        "energy_coefficient": 1e-28,
        "energy_weight_local": 1e17,
        "energy_weight_transmit": 1e13,
        "devices": [
            device(rng, f"headset-{i + 1}", distance, networks)
            for i, (distance, networks) in enumerate(zip(DISTANCES_M, SERVICES, strict=True))
        ],
    }
    Path(__file__).with_name("slot.json").write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()
