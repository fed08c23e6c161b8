"""Build hook: kernels are compiled when the package is built, for wheels and editable installs alike.

Where they cannot be (no C compiler, say) the package goes without, and compiles them at run time. An editable
install gets them into its source tree; what goes into a wheel stays apart from that, in build/core.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class KernelsHook(BuildHookInterface):
    """Runs `python -m lyaopt._kernels.toolchain.aot_build`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and add what came of it to the wheel."""
        if os.environ.get("LYAOPT_BUILD_CORE") == "0":
            return
        root = Path(self.root)
        target = os.environ.get("LYAOPT_TARGET") or "host"
        editable = version == "editable"
        folder = root / "lyaopt" if editable else root / "build" / "core" / target
        done = _compiled(root, folder)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
            if "LYAOPT_TARGET" in os.environ:
                raise RuntimeError(f"LYAOPT_TARGET={target}: {last}")
            self.app.display_warning(f"lyaopt: no core was built, kernels are compiled at run time: {last}")
        elif not editable:
            build_data["force_include"] |= {str(folder / name): f"lyaopt/{name}" for name in _files(folder)}
            build_data["pure_python"] = False
            build_data["infer_tag"] = True


def _files(folder: Path) -> list[str]:
    """Paths in a folder of the descriptions of cores, and of what they describe."""
    found = []
    for about in folder.rglob("_core.json"):
        place = about.parent.relative_to(folder)
        found += [str(place / name) for name in ("_core.json", *json.loads(about.read_bytes())["files"])]
    return found


def _compiled(root: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    # Where an isolated build finds what it requires is on its path too.
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-m", "lyaopt._kernels.toolchain.aot_build", str(folder)],
        cwd=root,
        env=os.environ | {"LYAOPT_CORE": "jit", "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
