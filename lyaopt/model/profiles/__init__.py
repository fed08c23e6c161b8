"""DNN profiles: the legal cuts of a network, with the MACs before each cut and the bits across it.

Parsing profiles needs NumPy and pydantic only. The profilers are in `torch_profiler`, `onnx_profiler`
and `tflite_profiler`; they import their frameworks when they are called.
"""

from lyaopt.model.profiles.catalog import list_profiles, load_profile
from lyaopt.model.profiles.format import format_profile, parse_profile
from lyaopt.model.profiles.measurement import Measurement
from lyaopt.model.profiles.model import Cut, Profile, Source

__all__ = [
    "Cut",
    "Measurement",
    "Profile",
    "Source",
    "format_profile",
    "list_profiles",
    "load_profile",
    "parse_profile",
]
