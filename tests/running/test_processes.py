"""A run on two processes is the run on one: gradients, weights, memories, passes, rows; and what happens when one fails."""

from __future__ import annotations

import dataclasses
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_conditions, make_examples
from support.twoprocesses import both, together
from torch import Tensor

from benchmark.config.build import load
from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core import parallel
from benchmark.core.errors import ConfigError, LaunchError
from benchmark.core.paths import ROOT, Paths
from benchmark.core.types import Examples, Task
from benchmark.methods.base import Method
from benchmark.methods.step import Passes
from benchmark.results.store import Store
from benchmark.review.verify import differences
from benchmark.running import execution, processes, runner
from benchmark.running.conditions import Conditions
from benchmark.running.loggers import RunLogger
from benchmark.training.learner import Learner
from benchmark.training.trainer import TrainerSettings, train

TRAINER: dict[str, Any] = {"epochs": 3, "batch_size": 31, "optimizer": "sgd", "lr": 0.1, "devices": 2, "strategy": "ddp"}  # an odd batch: shares are filled up


CASES = [
    ("erm", "multiclass", "mlp"),
    ("elr", "multiclass", "mlp"),  # a memory
    ("coteaching", "multiclass", "mlp"),  # two networks, ranks within the batch
    ("sop", "multiclass", "mlp"),  # sparse tables with optimizers of their own
    ("sam", "multiclass", "mlp"),  # two backward passes a step
    ("dividemix", "multiclass", "mlp"),  # streams, one network at a time
    ("confident_learning", "multiclass", "mlp"),  # side trainings
    ("confrag", "regression", "mlp"),  # whose examples change with the epoch
    ("elr", "multilabel", "mlp"),
    ("mixup", "tagging", "bilstm"),  # mixes features
    ("erm", "tagging", "bilstm_crf"),  # parameters beyond encoder and head
]


IDS = [f"{name}-{problem}" for name, problem, _ in CASES]


def other_part(cell: Cell, seed: Any, paths: Paths) -> None:
    runner.take_part(cell, seed, paths, RunLogger())


def numbers(tensors: dict[str, Tensor]) -> dict[str, np.ndarray]:
    return {name: value.detach().numpy() for name, value in tensors.items()}


@pytest.fixture(scope="module")
def cases() -> dict[str, Conditions]:
    problems = {(problem, model) for _, problem, model in CASES}
    return {f"{problem} {model}": make_conditions(problem, model=model, **TRAINER) for problem, model in problems}


def trained(name: str, conditions: Conditions) -> dict[str, Any]:
    """Weights, state of the method, scores and passes of a run."""
    learners: list[Learner] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(execution, "train", lambda learner, callbacks: (learners.append(learner), train(learner, callbacks)))
        outcome = execution.execute(load("method", name), conditions, 0)
    weights = {f"{i} {key}": value for i, network in enumerate(learners[0].networks) for key, value in network.state_dict().items()}
    records = outcome.evaluation.records
    return {
        "weights": numbers(weights),
        "state": numbers(outcome.method.state_dict()),
        "test": [record.primary["test"] for record in records],
        "passes": (outcome.cost["forward"], outcome.cost["backward"]),
        "predictions": records[-1].predictions,
    }


@pytest.fixture(scope="module")
def runs(cases: dict[str, Conditions]) -> list[dict[str, Any]]:
    """All cases in each of two processes."""
    return together(lambda: {f"{name}-{problem}": trained(name, cases[f"{problem} {model}"]) for name, problem, model in CASES})


@pytest.mark.parametrize(("name", "problem", "model"), CASES, ids=IDS)
def test_two_processes_do_what_one_does(name: str, problem: str, model: str, cases: dict[str, Conditions], runs: list[dict[str, Any]]) -> None:
    assert isinstance(runs[0], dict), runs
    first, second = (found[f"{name}-{problem}"] for found in runs)
    conditions = cases[f"{problem} {model}"]
    one = dataclasses.replace(conditions.recipe, settings=dataclasses.replace(conditions.recipe.settings, devices=1, strategy="auto"))
    alone = trained(name, dataclasses.replace(conditions, recipe=one))
    assert first["passes"] == alone["passes"]
    assert first["test"] == pytest.approx(alone["test"], abs=0.02)
    for part in ("weights", "state"):
        assert first[part].keys() == alone[part].keys()
        for key, value in alone[part].items():
            np.testing.assert_allclose(first[part][key], value, rtol=1e-3, atol=1e-4, err_msg=f"{part} {key}")
            np.testing.assert_array_equal(first[part][key], second[part][key], err_msg=f"{part} {key}")
    assert first["predictions"] == second["predictions"]


def halves(encode: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """What two processes make of a batch, in one."""
    share = -(-len(x) // 2)
    at = torch.arange(2 * share) % len(x)
    return torch.cat([encode(x[at[:share]]), encode(x[at[share:]])])[: len(x)]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_batch_norm_on_a_cpu_has_the_statistics_of_shares(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Training is that of halves of batches, and the processes' own running statistics do not drive them apart."""
    kind, pool = make_examples("multiclass", 100, 0)
    images = Examples(pool.x.repeat(1, 24).reshape(100, 3, 8, 8), pool.y)
    task = Task("tiny-images", kind, images, images, val_fraction=0.25)
    trainer = TRAINER | {"epochs": 2, "precision": precision, "channels_last": True}
    found = together(lambda: trained("elr", make_conditions("multiclass", model="resnet8", task=task, **trainer)))
    assert isinstance(found[0], dict), found
    monkeypatch.setattr(parallel, "encoded", halves)
    alone = trained("elr", make_conditions("multiclass", model="resnet8", task=task, **trainer | {"devices": 1, "strategy": "auto"}))
    first, second = found
    running = {key for key in first["weights"] if key.endswith(("running_mean", "running_var"))}
    assert any(not np.array_equal(first["weights"][key], second["weights"][key]) for key in running)
    for part in ("weights", "state"):
        for key in first[part].keys() - running - {key for key in first[part] if key.endswith("num_batches_tracked")}:
            np.testing.assert_array_equal(first[part][key], second[part][key], err_msg=key)
            if precision == "32-true":  # autocast adds the gradients of both halves in bf16, where they lose digits
                np.testing.assert_allclose(first[part][key], alone[part][key], rtol=1e-2, atol=1e-3, err_msg=key)
    assert first["predictions"] == second["predictions"]


def test_processes_draw_different_masks() -> None:
    conditions = make_conditions("multiclass", **TRAINER)
    data = conditions.data

    def drawn() -> list[float]:
        learner = Learner(Method(), conditions.recipe.networks(data.problem, 1), data, conditions.recipe.settings, 0, epochs=1, passes=Passes.zeros(1))
        learner.on_train_epoch_start = lambda: masks.append(float(torch.rand(())))  # type: ignore[method-assign]
        masks: list[float] = []
        learner.steps = lambda epoch: iter(())  # type: ignore[method-assign]
        train(learner)
        return masks

    first, second = together(drawn)
    assert len(first) == len(second) == 1
    assert first != second


def cell(**trainer: Any) -> Cell:
    said = ",".join(f"{key}={value}" for key, value in ({"devices": 2, "strategy": "ddp", "reference_folds": 0} | trainer).items())
    product = {"task": "digits(subset=200)", "noise": "symmetric(rate=0.4)", "method": "elr", "model": "linear", "trainer": f"smoke({said})"}
    return expand([product], {}, {}, []).cells[0]


def test_the_first_process_decides_and_writes(paths: Paths) -> None:
    """Seed 0 fails in both processes, which are not lost for it; seed 1 is there already."""
    seeds, this = [(0, 0, 0), (1, 1, 1), (2, 2, 2)], cell(reference_folds=2)

    def execute(config: Any, conditions: Any, seed: int, listeners: Any) -> Any:
        if seed == 0:
            raise FloatingPointError("diverged")
        return execution.execute(config, conditions, seed, listeners)

    def program() -> int:
        runner.run_cell(this, seeds[1:2], paths)
        before = Store(paths.results).path(this.id, seeds[1]).stat().st_mtime_ns
        rows = runner.run_cell(this, seeds, paths)
        assert before == Store(paths.results).path(this.id, seeds[1]).stat().st_mtime_ns
        return int([row.status for row in rows] != ["failed", "ok", "ok"])

    def work() -> int:
        runner.execute = execute  # type: ignore[assignment]
        return processes.led(program, other_part)

    assert both(work) == [0, 0]
    rows = {row.seed: row for row in Store(paths.results).rows()}
    assert len(rows) == 3
    assert not list((paths.results / "running").iterdir())
    assert rows[2, 2, 2].cost["device"] == "2 x cpu"
    start = "torchrun --standalone --nproc-per-node=2 -m benchmark task=digits"
    assert rows[2, 2, 2].provenance["command"].startswith(start)
    assert "diverged" in str(rows[0, 0, 0].error)
    (alone,) = runner.run_cell(cell(reference_folds=2, devices=1, strategy="auto"), seeds[2:], paths)
    assert rows[2, 2, 2].metrics == pytest.approx(alone.metrics, abs=1e-3)
    assert not {"forward", "backward", "epochs"} & set(differences(rows[2, 2, 2], alone))


def test_a_process_that_fails_alone_ends_the_program(paths: Paths) -> None:
    def program() -> int:
        for seeds in ([(0, 0, 0), (1, 1, 1)], [(2, 2, 2)]):  # what comes later in a sweep is not begun
            with pytest.raises(LaunchError, match="another process of the run has died or hangs"):
                runner.run_cell(cell(), seeds, paths)
        return LaunchError.exit_code

    def work() -> int:
        processes.PATIENCE = timedelta(seconds=1)
        if os.environ["RANK"] == "1":
            runner.take_part = lambda *_: (_ for _ in ()).throw(MemoryError("no room"))  # type: ignore[assignment]
        return processes.led(program, other_part)

    assert both(work) == [1, 1]
    assert [(row.seed, row.status) for row in Store(paths.results).rows()] == [((0, 0, 0), "failed")]


def test_errors_name_the_command(paths: Paths) -> None:
    with pytest.raises(ConfigError) as caught:
        runner.run_cell(cell(), [(0, 0, 0), (1, 1, 1)], paths)
    message, _, command = str(caught.value).partition(": ")
    assert message == "trainer.devices=2 takes a process for each device, and launcher=basic"
    words = shlex.split(command)
    assert words[:5] == ["torchrun", "--standalone", "--nproc-per-node=2", "-m", "benchmark"]
    assert {"task=digits", "method=elr", "trainer.devices=2", "trainer.strategy=ddp", "seeds=[0,1]"} <= set(words)
    assert not paths.results.exists()
    with pytest.raises(ConfigError, match=r"trainer\.devices=2, but 1 at work"):
        execution.execute(load("method", "erm"), make_conditions("multiclass", **TRAINER), 0)
    with pytest.raises(ConfigError, match=r"trainer\.strategy=fsdp: a run on several devices takes trainer\.strategy=ddp"):
        TrainerSettings(1, 8, "adam", 0.1, devices=2, strategy="fsdp")
    with pytest.raises(ConfigError, match=r"trainer\.devices=0"):
        TrainerSettings(1, 8, "adam", 0.1, devices=0)


def test_more_processes_than_devices_are_refused(paths: Paths) -> None:
    first, second = both(lambda: processes.led(lambda: len(runner.run_cell(cell(devices=1), [(0, 0, 0)], paths)), other_part))
    assert "torchrun started 2 processes, but trainer.devices=1" in first
    assert "python -m benchmark task=digits" in first
    assert second == 0


@pytest.mark.slow
def test_torchrun_starts_a_sweep(tmp_path: Path) -> None:
    """The whole command: both cells are run, and one board is printed."""
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "benchmark", "-m"]
    words = ["task=digits", "noise=symmetric", "method=erm,elr", "model=linear", "trainer=smoke", "trainer.devices=2", "trainer.strategy=ddp", "seeds=[0]"]
    folders = [f"paths.results={tmp_path}", f"paths.cache={tmp_path}/cache"]
    ended = subprocess.run([*start, *words, *folders], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert ended.stderr.count("2 of 2 runs done, failed 0") == 1
    assert ended.stdout.count("2 runs, 1 task") == 1
    assert [row.status for row in Store(tmp_path).rows()] == ["ok", "ok"]
