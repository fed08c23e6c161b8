"""Build hook: kernels are compiled when the package is built, for wheels and editable installs alike.

Where they cannot be (no C compiler, say) the package goes without, and compiles them at run time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


def _paths() -> list[str]:
    """Where an isolated build finds what it requires."""
    return list(filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)))


class KernelsHook(BuildHookInterface):
    """Runs `python -m lyaopt._kernels._build`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add what came of it to the wheel."""
        if os.environ.get("LYAOPT_BUILD_CORE") == "0":
            return
        root = Path(self.root)
        package = root / "lyaopt"
        done = subprocess.run(
            [sys.executable, "-m", "lyaopt._kernels._build", str(package)],
            cwd=root,
            env=os.environ | {"LYAOPT_CORE": "jit", "PYTHONPATH": os.pathsep.join([str(root), *_paths()])},
            capture_output=True,
            text=True,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
            self.app.display_warning(f"lyaopt: no core was built, kernels are compiled at run time: {last}")
            return
        if version == "standard":
            build_data["pure_python"] = False
            build_data["infer_tag"] = True
            build_data["artifacts"] += ["lyaopt/_core*", "lyaopt/capi/liblyaopt*"]
