"""Targets on a command line: ``module:callable``, or a file of ONNX, TensorFlow Lite or torch.export."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lyaopt.errors import ProfileError
from lyaopt.io.extras import needs_extra
from lyaopt.model.profiles.graph import Selection
from lyaopt.model.profiles.measurement import Measurement
from lyaopt.model.profiles.model import Profile
from lyaopt.model.profiles.timing import Timing

if TYPE_CHECKING:
    import torch

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Request:
    """A target of profiling, and its options.

    Attributes
    ----------
    target : str
        ``module:callable`` or a file that ends in .pt2 for PyTorch, else one that ends in .onnx or .tflite.
    input_shapes : sequence of tuple of int, or mapping of str to tuple of int
        Shapes of the inputs in order or by name, if the target does not fix them.
    name : str or None
        Name of the profile; None for that of the class or file.
    bits_per_element : int
        Bits of one element of a tensor that is sent.
    selection : {"single", "valleys", "all"}
        Which legal cuts to list, see `lyaopt.model.profiles.graph.legal_cuts`.
    verify : bool
        Whether to run a PyTorch network at every listed cut and compare with the whole.
    allow_uncounted : bool
        Whether to profile a network some of whose work is not counted.
    input_bits : mapping of str to int
        Bits of one element of inputs, by name.
    measure : Timing or None
        How to time the halves of every cut of a PyTorch or ONNX network; None leaves it out.
    """

    target: str
    input_shapes: Sequence[Shape] | Mapping[str, Shape] = ()
    name: str | None = None
    bits_per_element: int = 8
    selection: Selection = "single"
    verify: bool = False
    allow_uncounted: bool = False
    input_bits: Mapping[str, int] = field(default_factory=dict)
    measure: Timing | None = None


def profile_target(request: Request) -> Profile:
    """Profile a PyTorch module or file, an ONNX file or a TensorFlow Lite file.

    Parameters
    ----------
    request : Request
        The target and its options.

    Raises
    ------
    ProfileError
        If the target is of no known kind, cannot be loaded or profiled, or a cut fails verification.
    """
    suffix = Path(request.target).suffix
    if suffix not in (".onnx", ".tflite"):
        return _profile_module(request)
    if request.verify:
        raise ProfileError("only PyTorch networks can be verified: files are read, not run")
    if request.measure is not None and suffix == ".tflite":
        raise ProfileError("only PyTorch and ONNX networks can be measured: this file is read, not run")
    if not Path(request.target).is_file():
        raise ProfileError(f"no such file: {request.target}")
    if suffix == ".onnx":
        return _profile_onnx(request)
    return _profile_tflite(request)


def _profile_onnx(request: Request) -> Profile:
    from lyaopt.model.profiles.onnx_profiler import profile_onnx

    profile = profile_onnx(
        request.target,
        input_shape=request.input_shapes or None,
        name=request.name,
        bits_per_element=request.bits_per_element,
        selection=request.selection,
        allow_uncounted=request.allow_uncounted,
        input_bits=request.input_bits,
    )
    if request.measure is None:
        return profile
    from lyaopt.model.profiles.onnx_measure import measure_onnx

    measured = measure_onnx(
        request.target,
        input_shape=request.input_shapes or None,
        selection=request.selection,
        bits_per_element=request.bits_per_element,
        timing=request.measure,
    )
    return replace(profile, measured=measured)


def _profile_tflite(request: Request) -> Profile:
    from lyaopt.model.profiles.tflite_profiler import profile_tflite

    return profile_tflite(
        request.target,
        input_shape=request.input_shapes or None,
        name=request.name,
        bits_per_element=request.bits_per_element,
        selection=request.selection,
        allow_uncounted=request.allow_uncounted,
        input_bits=request.input_bits,
    )


def _profile_module(request: Request) -> Profile:
    from lyaopt.model.profiles.torch_profiler import profile_torch

    module, inputs, keywords = load_network(request.target, request.input_shapes)
    is_file = Path(request.target).suffix == ".pt2"
    if request.verify:
        from lyaopt.model.profiles.torch_verify import verify_torch

        verify_torch(
            module,
            inputs,
            example_kwargs=keywords,
            selection=request.selection,
            bits_per_element=request.bits_per_element,
        )
    profile = profile_torch(
        module,
        inputs,
        example_kwargs=keywords,
        name=request.name or (Path(request.target).stem if is_file else None),
        source=Path(request.target).name if is_file else request.target,
        bits_per_element=request.bits_per_element,
        selection=request.selection,
        allow_uncounted=request.allow_uncounted,
        input_bits=request.input_bits,
    )
    return (
        profile
        if request.measure is None
        else replace(profile, measured=_measured(request, module, inputs, keywords))
    )


def _measured(
    request: Request, module: torch.nn.Module, inputs: tuple[Any, ...], keywords: dict[str, Any]
) -> Measurement:
    from lyaopt.model.profiles.torch_measure import measure_torch

    assert request.measure is not None
    return measure_torch(
        module,
        inputs,
        example_kwargs=keywords,
        selection=request.selection,
        bits_per_element=request.bits_per_element,
        timing=request.measure,
    )


def load_network(
    target: str, input_shapes: Sequence[Shape] | Mapping[str, Shape] = ()
) -> tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]:
    """Load the PyTorch network that a target names, and arguments and keywords to run it on.

    Parameters
    ----------
    target : str
        ``module:callable`` as of `load_module`, or a file that ends in .pt2 as of
        `lyaopt.model.profiles.torch_programs.load_program`.
    input_shapes : sequence of tuple of int, or mapping of str to tuple of int
        Shapes of the inputs.

    Raises
    ------
    ProfileError
        If it cannot be loaded.
    """
    if Path(target).suffix != ".pt2":
        return load_module(target, input_shapes)
    if not Path(target).is_file():
        raise ProfileError(f"no such file: {target}")
    from lyaopt.model.profiles.torch_programs import load_program

    return load_program(target, input_shapes or None)


def load_module(
    target: str, input_shapes: Sequence[Shape] | Mapping[str, Shape] = ()
) -> tuple[torch.nn.Module, tuple[Any, ...], dict[str, Any]]:
    """Load the PyTorch module that ``module:callable`` names, and arguments and keywords to run it on.

    The callable (a class, a function) is called without arguments and returns the module, or the module
    and the tuple of its inputs. A module object is used as it is. Python modules are found as
    by ``python -m``: in the working directory first.

    Parameters
    ----------
    target : str
        ``module:callable``, with dots in both parts where needed.
    input_shapes : sequence of tuple of int, or mapping of str to tuple of int
        Shapes of the inputs, which are random; required if the callable returns no inputs. Those with names
        are keywords.

    Raises
    ------
    ProfileError
        If it cannot be loaded, or is not a PyTorch module.
    """
    with needs_extra("profile"):
        import torch
    loaded = _load(target)
    module, inputs = loaded if isinstance(loaded, tuple) and len(loaded) == 2 else (loaded, None)
    if not isinstance(module, torch.nn.Module):
        raise ProfileError(f"expected {target} to give a torch.nn.Module, got {type(module).__name__}")
    if isinstance(input_shapes, Mapping):
        return module, (), {name: torch.randn(shape) for name, shape in input_shapes.items()}
    if input_shapes:
        return module, tuple(torch.randn(shape) for shape in input_shapes), {}
    if not isinstance(inputs, tuple):
        raise ProfileError(f"{target} gives no inputs: an input shape is needed, such as 1,3,224,224")
    return module, inputs, {}


def _load(target: str) -> Any:
    import torch

    module_name, colon, attributes = target.partition(":")
    if not (module_name and colon and attributes):
        raise ProfileError(f"expected MODULE:CALLABLE, FILE.pt2, FILE.onnx or FILE.tflite, got {target!r}")
    sys.path.insert(0, "")
    try:
        target_object: Any = importlib.import_module(module_name)
        for attribute in attributes.split("."):
            target_object = getattr(target_object, attribute)
        return target_object if isinstance(target_object, torch.nn.Module) else target_object()
    # The user's code may raise any exception.
    except Exception as failure:
        raise ProfileError(f"cannot load {target}: {type(failure).__name__}: {failure}") from failure
    finally:
        sys.path.remove("")
