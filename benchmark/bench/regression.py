"""What methods for numbers cost: memory against the number of rows, time against plain training."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial

import torch

from benchmark.bench.timing import Measurement, ratio
from benchmark.config.build import build, load
from benchmark.core.paths import ROOT
from benchmark.data.parts import Part
from benchmark.data.problems import Regression
from benchmark.data.splits import TrainingData
from benchmark.methods.base import set_up
from benchmark.methods.step import Passes
from benchmark.training.learner import Learner
from benchmark.training.recipe import Recipe, input_shape, run_info
from benchmark.training.trainer import TrainerSettings, train

ROWS = (10_000, 50_000, 500_000)
EPOCHS = 20
METHODS = ("cmixup", "confrag", "spr", "crust")


def regression() -> Iterator[Measurement]:
    """Peak memory of methods that look at pairs or neighbours, beyond erm's, and the price of confrag."""
    base = {rows: _peak("erm", rows) for rows in ROWS}
    for name in METHODS:
        beyond = [_peak(name, rows) - base[rows] for rows in ROWS]
        yield f"{name}, memory beyond erm's at {' / '.join(f'{n:,}' for n in ROWS)} rows", " / ".join(f"{mb:.0f}" for mb in beyond) + " MB", "linear in rows"
    price = build(load("method", "confrag"), "method").passes(100).relative
    torch.set_num_threads(1)
    data = _data(10_000)
    times = ratio(partial(_train, "confrag", data, EPOCHS), partial(_train, "erm", data, EPOCHS), 3, time.process_time)
    yield "confrag / erm, 10,000 rows, MLP 128-128", f"at most {price:.2f} x in passes, {times:.2f} x in seconds of CPU time", "at most 3 x"


def _data(rows: int) -> TrainingData:
    """Numbers that depend on 8 features, a third of them wrong."""
    own = torch.Generator().manual_seed(0)
    x = torch.randn(rows, 8, generator=own)
    y = x[:, :1] + torch.sin(2 * x[:, 1:2])
    wrong = torch.rand(rows, 1, generator=own) < 1 / 3
    y = torch.where(wrong, y[torch.randperm(rows, generator=own)], y)
    part = Part(x, (y - y.mean()) / y.std(), torch.ones(rows, 1, dtype=torch.bool))
    return TrainingData(Regression("z"), part, part)


def _train(name: str, data: TrainingData, epochs: int) -> None:
    settings = TrainerSettings(epochs=epochs, batch_size=256, optimizer="adam", lr=1e-3)
    method = build(load("method", name), "method")
    set_up(method, run_info(data, settings, epochs, 0, {}))
    networks = Recipe(load("model", "mlp"), input_shape(data.train.x), settings, 0).networks(data.problem, method.networks)
    train(Learner(method, networks, data, settings, 0, epochs=epochs, passes=Passes.zeros(method.networks)))


def peak(name: str, rows: int) -> float:
    """Peak memory of this process in MB after two epochs: the second one selects."""
    torch.set_num_threads(1)
    _train(name, _data(rows), 2)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _peak(name: str, rows: int) -> float:
    code = f"from benchmark.bench.regression import peak; print(peak({name!r}, {rows}))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True)
    return float(found.stdout.split()[-1])
