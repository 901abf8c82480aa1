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


def test_check_finds_a_method_that_counts_its_predictions(clone: Path) -> None:
    counting = (
        METHOD.replace("class Toy", "class Counting")
        .replace("self.scale * f", "(self.scale + 0.1 * self.calls) * f")
        .replace("    def loss", "    def predict(self, step):\n        self.calls += 1\n        return super().predict(step)\n\n    def loss")
    )
    (clone / "benchmark/methods/robust_loss/counting.py").write_text(
        counting.replace("        self.scale = scale\n", "        self.scale, self.calls = scale, 0\n")
    )
    (clone / "conf/method/counting.yaml").write_text("_target_: benchmark.methods.robust_loss.counting.Counting\nscale: 0.5\n")
    try:
        done = subprocess.run([sys.executable, "-m", "benchmark", "check", "counting"], cwd=clone, capture_output=True, text=True, timeout=240, check=False)
    finally:
        (clone / "benchmark/methods/robust_loss/counting.py").unlink()
        (clone / "conf/method/counting.yaml").unlink()
    assert done.returncode == 1, done.stdout[-2000:] + done.stderr[-2000:]
    assert "FAILED tests/methods/test_state.py::test_testing_and_predicting_leave_no_trace[counting-multiclass]" in done.stdout
    assert "depends on how often is tested" in done.stdout


def test_a_sweep_the_board_status_and_docs_show_it(clone: Path) -> None:
    assert "toy" in python(clone, "-m", "benchmark", "status", "experiment=smoke")
    shown = python(clone, "-m", "benchmark", "experiment=smoke", "task=digits", "noise=symmetric", "method=toy,erm", "seeds=[0]", "launcher=basic")
    assert "2 runs, 1 task, 1 seed, 0 failed" in shown
    assert "toy" in (clone / "results/local/leaderboard.html").read_text()
    assert {json.loads(p.read_text())["method"] for p in clone.glob("results/runs/*/*.json")} == {"toy", "erm"}
    python(clone, "-m", "benchmark", "docs")
    assert "| `toy` | scale=0.5 |" in (clone / "docs/methods.md").read_text()
