"""Networks cut in two files, head and tail, with a proof by running them."""

from lyaopt.model.cutting.agreement import Agreement
from lyaopt.model.cutting.onnx_halves import Halves, cut_onnx
from lyaopt.model.cutting.onnx_run import check_halves

__all__ = ["Agreement", "Halves", "check_halves", "cut_onnx"]
