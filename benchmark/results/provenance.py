"""Where a row comes from: code, packages, machine."""

from __future__ import annotations

import functools
import os
import platform
import subprocess
from importlib import metadata
from typing import Any

from benchmark.core.paths import ROOT
from benchmark.core.protocol import PROTOCOL_VERSION

PACKAGES = ("torch", "pytorch-lightning", "hydra-core", "numpy", "scipy", "scikit-learn", "datasets", "seqeval", "torchmetrics")


@functools.lru_cache(maxsize=1)
def environment() -> dict[str, Any]:
    """Git commit and state of code and conf, package versions, hardware. Read once a process."""
    return {
        "protocol_version": PROTOCOL_VERSION,
        "git": _git("rev-parse", "HEAD"),
        # results are written by the run itself: only code and configuration can make a row dirty
        "dirty": bool(_git("status", "--porcelain", "--", "benchmark", "tasks", "conf")),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in PACKAGES},
        "hardware": {"cpu": _cpu(), "cores": os.cpu_count(), "machine": platform.machine(), "system": platform.system()},
    }


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _cpu() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            return next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), platform.processor())
    except OSError:
        return platform.processor()
