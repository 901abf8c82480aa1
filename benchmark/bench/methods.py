"""What methods take in seconds against what they count in passes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import torch

from benchmark.bench.timing import Measurement
from benchmark.config.build import load
from benchmark.config.grid import expand
from benchmark.config.registry import names
from benchmark.core.paths import Paths
from benchmark.running.conditions import Conditions, conditions_for
from benchmark.running.execution import Outcome, execute

EPOCHS = 6  # enough for every warm-up to end
NOISE = "chain(first=annotators,second=candidates)"  # whatever methods may need comes along


def seconds_of_passes(repeats: int = 3) -> Iterator[Measurement]:
    """Training of every method for classes on ``resnet8``, its seconds over plain training's, against its counted passes over plain training's."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        conditions = _conditions(Paths(Path(), Path(folder), Path(folder)))
        erm = load("method", "erm")
        execute(erm, conditions, 0)  # warm-up
        for name in served():
            pairs = [(execute(load("method", name), conditions, 0), execute(erm, conditions, 0)) for _ in range(repeats)]
            passes = _passes(pairs[0][0]) / _passes(pairs[0][1])
            time = median(own.cost["seconds"] / plain.cost["seconds"] for own, plain in pairs)
            yield f"{name} on resnet8: seconds / erm's, passes / erm's", f"{time:.2f}, {passes:.2f}: {time / passes:.2f} x", "at most 1.25 x"


def served() -> list[str]:
    """Methods that digits can be trained with."""
    grid = expand([{"task": "digits", "noise": NOISE, "trainer": "quick", "method": names("method")}], {}, {}, [])
    return [cell.choice["method"] for cell in grid.cells]


def _conditions(paths: Paths) -> Conditions:
    entry = {"task": "digits", "noise": NOISE, "method": "erm", "model": "resnet8", "trainer": f"quick(reference_folds=0,epochs={EPOCHS})"}
    (cell,) = expand([entry], {}, {}, []).cells
    return conditions_for(cell, (0, 0, 0), paths)


def _passes(outcome: Outcome) -> int:
    return int(outcome.cost["passes"])
