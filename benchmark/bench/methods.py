"""What methods take in seconds against what they count in passes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median

import numpy as np
import torch

from benchmark.bench.timing import Measurement
from benchmark.config import load, names
from benchmark.execution import Outcome, execute
from benchmark.grid import expand
from benchmark.paths import Paths
from benchmark.setting import Setting, setting_for

EPOCHS = 6  # enough for every warm-up to end


def seconds_of_passes(repeats: int = 3) -> Iterator[Measurement]:
    """Training of every method for classes on ``resnet8``, its seconds over plain training's, against its counted passes over plain training's."""
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        setting = _setting(Paths(Path(), Path(folder), Path(folder)))
        erm = load("method", "erm")
        execute(erm, setting, 0)  # warm-up
        for name in served():
            pairs = [(execute(load("method", name), setting, 0), execute(erm, setting, 0)) for _ in range(repeats)]
            passes = _passes(pairs[0][0]) / _passes(pairs[0][1])
            time = median(own.cost["seconds"] / plain.cost["seconds"] for own, plain in pairs)
            yield f"{name} on resnet8: seconds / erm's, passes / erm's", f"{time:.2f}, {passes:.2f}: {time / passes:.2f} x", "at most 1.25 x"


def served() -> list[str]:
    """Methods that digits can be trained with."""
    grid = expand([{"task": "digits", "noise": "candidates", "trainer": "quick", "method": names("method")}], {}, {}, [])
    return [cell.choice["method"] for cell in grid.cells]


def _setting(paths: Paths) -> Setting:
    """Digits with candidate sets and privileged inputs made up for the purpose."""
    entry = {"task": "digits", "noise": "candidates", "method": "erm", "model": "resnet8", "trainer": f"quick(reference_folds=0,epochs={EPOCHS})"}
    (cell,) = expand([entry], {}, {}, []).cells
    setting = setting_for(cell, (0, 0, 0), paths)
    known = torch.from_numpy(np.random.default_rng(0).normal(size=(len(setting.data.train), 8))).float()
    train = replace(setting.data.train, extras={**setting.data.train.extras, "privileged": known})
    return replace(setting, data=replace(setting.data, train=train), declared={**setting.declared, "privileged": known})


def _passes(outcome: Outcome) -> int:
    return int(outcome.cost["passes"])
