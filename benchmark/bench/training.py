"""What a training step, a finished sweep and a worker cost."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import torch
from torch.nn import functional as F  # noqa: N812

from benchmark.bench.timing import Measurement, ratio, seconds
from benchmark.config.build import load
from benchmark.core.paths import ROOT
from benchmark.data.parts import Part
from benchmark.data.problems import Multiclass
from benchmark.data.splits import TrainingData
from benchmark.methods.base import Method
from benchmark.methods.step import Passes
from benchmark.training.learner import Learner
from benchmark.training.recipe import Recipe, input_shape
from benchmark.training.trainer import TrainerSettings, train


def step_overhead(epochs: int = 60, size: int = 1024, batch: int = 64) -> Iterator[Measurement]:
    """A training step under the Learner against a hand-written loop with the same tensors, network and optimizer."""
    torch.set_num_threads(1)
    settings = TrainerSettings(epochs=epochs, batch_size=batch, optimizer="adam", lr=1e-3)
    y = torch.randint(10, (size, 1))
    for name, model, shape, aim in (
        ("step of the digits CNN", load("model", "cnn"), (1, 8, 8), 1.2),
        ("step of a 64-128-10 MLP", load("model", "mlp", hidden=[128]), (64,), 1.6),
    ):
        x = torch.randn(size, *shape)
        part = Part(x, y, torch.ones(size, 1, dtype=torch.bool))
        data = TrainingData(Multiclass([str(i) for i in range(10)]), part, part)
        recipe = Recipe(model, input_shape(x), settings, seed=0)

        def ours(recipe: Recipe = recipe, data: TrainingData = data) -> None:
            train(Learner(Method(), recipe.networks(data.problem, 1), data, settings, 0, epochs=epochs, passes=Passes.zeros(1)))

        def bare(recipe: Recipe = recipe, data: TrainingData = data, x: torch.Tensor = x) -> None:
            (network,) = recipe.networks(data.problem, 1)
            optimizer = settings.make_optimizer(network.parameters())
            for _ in range(epochs):
                for at in torch.randperm(size).split(batch):
                    optimizer.zero_grad(set_to_none=True)
                    F.cross_entropy(network(x[at]), y[at, 0]).backward()
                    optimizer.step()

        yield f"{name}, Learner / bare loop", f"{ratio(ours, bare):.2f} x", f"at most {aim} x"


def finished_sweep() -> Iterator[Measurement]:
    """A sweep that has nothing left to do."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmark", "experiment=smoke", "launcher=joblib", "jobs=2", f"paths.results={folder}"]
        first, second = (seconds(lambda: subprocess.run(command, cwd=ROOT, check=True, capture_output=True)) for _ in range(2))
        yield "experiment=smoke, two workers", f"{first:.0f} s", "at most 90 s"
        yield "the same again, nothing to do", f"{second:.1f} s", "at most 10 s"


def worker_memory() -> Iterator[Measurement]:
    """Peak memory of a process that runs cells of the quick experiment, each task once."""
    with tempfile.TemporaryDirectory() as folder:
        narrow = ["noise=clean,recorded", "method=erm_ensemble", "seeds=[0]", "launcher=basic", f"paths.results={folder}"]
        subprocess.run([sys.executable, "-m", "benchmark", "experiment=quick", *narrow], cwd=ROOT, check=True, capture_output=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024**2
    yield "peak memory of a quick worker", f"{peak:.2f} GB", "at most 1.2 GB"
