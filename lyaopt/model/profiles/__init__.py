"""DNN profiles: where a network may be cut, the work before each cut and the bits across it.

Reading profiles needs NumPy and pydantic only. The profilers live in `torch_profiler`, `onnx_profiler`
and `tflite_profiler` and import their frameworks when they are called.
"""

from lyaopt.model.profiles.catalog import list_profiles, load_profile
from lyaopt.model.profiles.format import format_profile, parse_profile
from lyaopt.model.profiles.model import Cut, Profile, Source

__all__ = ["Cut", "Profile", "Source", "format_profile", "list_profiles", "load_profile", "parse_profile"]
