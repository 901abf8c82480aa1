"""Fixtures of all tests, and what a process of tests must be told before anything is imported."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from support.tiny import PROBLEMS, make_conditions
from threadpoolctl import threadpool_limits

from benchmark.core.paths import Paths
from benchmark.running.conditions import Conditions

os.environ["HF_HUB_OFFLINE"] = "1"  # a task whose data are not here is skipped, not downloaded
torch.set_num_threads(1)  # tiny tensors: more threads only wait for each other,
threadpool_limits(1)  # and those of numpy in two test processes for all of both: a regression took forty times as long


@pytest.fixture(scope="session")
def settings() -> dict[str, Conditions]:
    """One tiny setting per task type."""
    return {problem: make_conditions(problem) for problem in PROBLEMS}


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """Folders of a test's own."""
    return Paths(tmp_path / "data", tmp_path / "results", tmp_path / "cache")
