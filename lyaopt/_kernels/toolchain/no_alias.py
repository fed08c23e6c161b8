"""A Numba compiler that promises LLVM that array arguments do not overlap."""

from numba.core.compiler import Compiler


class NoAliasCompiler(Compiler):
    """Numba's pipeline with `noalias` set on pointer arguments.

    Without it LLVM guards a vector loop by comparing every pair of arrays at run time, and gives the
    vectorisation up when there are more than a handful of pairs.
    """

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.state.flags.noalias = True
