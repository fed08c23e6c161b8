"""Networks cut in two files, head and tail, with a proof by running them."""

from lyaopt.model.cutting.agreement import Agreement
from lyaopt.model.cutting.division import CrossingTensor
from lyaopt.model.cutting.onnx_halves import Halves, cut_onnx
from lyaopt.model.cutting.onnx_run import check_halves
from lyaopt.model.cutting.torch_halves import TorchHalves, cut_torch
from lyaopt.model.cutting.torch_run import check_torch_halves

__all__ = [
    "Agreement",
    "CrossingTensor",
    "Halves",
    "TorchHalves",
    "check_halves",
    "check_torch_halves",
    "cut_onnx",
    "cut_torch",
]
