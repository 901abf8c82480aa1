"""Run the program in this process, and wait for what other processes do."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from benchmark.bench import faults


def wait_for(found: Callable[[], Any], alive: Callable[[], bool] = lambda: True, limit: float = faults.LIMIT) -> Any:
    """What ``found`` returns as soon as it is something, while somebody lives who makes it."""
    last = time.monotonic() + limit
    while not (value := found()):
        assert alive(), "it ended too early"
        assert time.monotonic() < last, f"nothing happened in {limit:.0f} s"
        time.sleep(0.005)
    return value


def in_process(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The same in this process: a start costs seconds."""
    from benchmark.__main__ import main

    monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("PYTHONPATH", "HYDRA_FULL_ERROR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return main()
