"""A new method is one py file and one yaml: everything else finds it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.core.paths import ROOT

METHOD = '''"""A toy."""

from __future__ import annotations

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import Method


class Toy(Method):
    """Half of the generalized cross entropy: a method that exists to show how little one needs to write. One pass."""

    kinds = frozenset({"categorical"})
    family = "robust loss"

    def __init__(self, scale: float = 0.5) -> None:
        super().__init__()
        self.scale = scale

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """output (U, K), target (U,) -> (U,)."""
        return self.scale * functional.gce(output, target, 0.7)
'''


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with a method ``toy`` added."""
    folder = tmp_path_factory.mktemp("clone")
    for name in ("benchmark", "tasks", "conf", "tests", "docs"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "Makefile", "README.md"):
        shutil.copy(ROOT / name, folder / name)
    (folder / "benchmark/methods/robust_loss/toy.py").write_text(METHOD)
    (folder / "conf/method/toy.yaml").write_text("_target_: benchmark.methods.robust_loss.toy.Toy\nscale: 0.5\n")
    return folder


def python(clone: Path, *arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], cwd=clone, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def test_the_contract_tests_find_it(clone: Path) -> None:
    shown = python(clone, "-m", "pytest", "tests/methods/test_contract.py", "-k", "toy and multiclass", "-v", "-v", "-p", "no:cacheprovider")
    assert "test_fit_beats_chance[toy-multiclass] PASSED" in shown
    assert "test_same_seed_same_bits_and_no_global_generator[toy-multiclass] PASSED" in shown


def test_a_sweep_the_board_status_and_docs_show_it(clone: Path) -> None:
    assert "toy" in python(clone, "-m", "benchmark", "status", "experiment=smoke")
    shown = python(clone, "-m", "benchmark", "experiment=smoke", "task=digits", "noise=symmetric", "method=toy,erm", "seeds=[0]", "launcher=basic")
    assert "toy" in shown
    assert "toy" in (clone / "results/local/leaderboard.html").read_text()
    assert {json.loads(p.read_text())["method"] for p in clone.glob("results/runs/*/*.json")} == {"toy", "erm"}
    python(clone, "-m", "benchmark", "docs")
    assert "| `toy` | scale=0.5 |" in (clone / "docs/methods.md").read_text()
