"""Fixtures of several tests of this room."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmark.running.execution import Outcome, execute


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Make a method, gce by default, do something while it trains; the other methods stay as they are."""

    def arrange(do: Callable[[], None], method: str = "GCE") -> None:
        def run(config: Any, *arguments: Any, **named: Any) -> Outcome:
            if config["_target_"].endswith(f".{method}"):
                do()
            return execute(config, *arguments, **named)

        monkeypatch.setattr("benchmark.running.runner.execute", run)

    return arrange


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of one megabyte."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, check=False, timeout=60).returncode:
        pytest.skip("mounting a small disk takes root")
    yield folder
    subprocess.run(["umount", folder], check=True, timeout=60)
