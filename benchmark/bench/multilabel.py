"""How the cost of multi-label methods grows with the number of labels: rows of ``make bench``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from statistics import median

import numpy as np
import torch

from benchmark.bench.timing import Measurement, seconds
from benchmark.config.build import build, load
from benchmark.core.types import Observed
from benchmark.data.problems import MultiLabel
from benchmark.methods.base import RunInfo
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import InputShape
from benchmark.models.linear import Linear

LABELS, BATCH, FEATURES, POSITIVE, REPEATS = (14, 100, 1000), 64, 32, 0.06, 25
METHODS = (
    *("erm", "assume_negative", "lsan", "epr", "role", "asl", "focal", "hill", "splc", "partial_bce", "em_apl", "large_loss", "pu_mlc"),
    *("comic", "masked_supervision", "sparsemax", "noise_layer", "propensity", "nvum", "nbpo", "class_incremental"),
)


def growth_in_labels() -> Iterator[Measurement]:
    """CPU time of an objective and its gradient, linear model, batch of 64 with 14, 100 and 1,000 labels: from the second to the third N x K is tenfold."""
    plain = _seconds("erm", LABELS[-1])
    for name in METHODS:
        taken = [_seconds(name, labels) for labels in LABELS]
        shown = ", ".join(f"{1e3 * one:.2f}" for one in taken)
        growth = f"{taken[-1] / taken[-2]:.1f} x from {LABELS[-2]} to {LABELS[-1]}, {taken[-1] / plain:.1f} x erm"
        yield f"{name}: {', '.join(map(str, LABELS))} labels", f"{shown} ms, {growth}", "at most 12 x"


def _seconds(name: str, labels: int) -> float:
    """Median CPU time of an objective with its gradient, after three of warm-up."""
    generator = torch.Generator().manual_seed(0)
    y = (torch.rand(BATCH, labels, generator=generator) < POSITIVE).long()
    x = torch.randn(BATCH, FEATURES, generator=generator)
    row, column = torch.meshgrid(torch.arange(BATCH), torch.arange(labels), indexing="ij")
    seen = Observed(y.reshape(-1), row.reshape(-1), column.reshape(-1), torch.ones(BATCH * labels, dtype=torch.bool))
    knows = {"noise_rate": torch.zeros(labels, 2), "transition": torch.eye(2).repeat(labels, 1, 1)}
    method = build(load("method", name), "method")
    run = RunInfo(
        problem="multilabel",
        kind="categorical",
        num_examples=BATCH,
        width=labels,
        num_classes=2,
        epochs=10,
        steps_per_epoch=1,
        observed={"train": seen, "val": seen},
        device=torch.device("cpu"),
        groups=np.arange(BATCH),
        seed=0,
        declared=knows,
    )
    method.setup(run)
    networks = [Linear(InputShape((FEATURES,), torch.float32), labels) for _ in range(method.networks)]
    problem = MultiLabel([str(k) for k in range(labels)])

    def once() -> None:
        step = Step(networks, problem, Batch([x] * method.views, torch.arange(BATCH), y, None), Passes.zeros(method.networks), epoch=1)
        method.objective(step).backward()

    for _ in range(3):
        once()
    return median(seconds(once, time.process_time) for _ in range(REPEATS))
