"""Damaged, endless and overlarge files of a user's own: one line each."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import numpy as np
import pytest
from support import ownfiles

from benchmark.api import load_task
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.paths import Paths
from benchmark.training.trainer import MOST_EPOCHS, TrainerSettings


def test_a_damaged_gz_is_one_line(tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_table(tmp_path)
    right = gzip.compress(Path(options["path"]).read_bytes(), mtime=0)
    packed = tmp_path / "shop.csv.gz"
    packed.write_bytes(right)
    whole = load_task("table", paths, **options | {"path": str(packed)})
    draw = random.Random(1)
    damaged = [right[: draw.randrange(len(right))] for _ in range(20)]
    for _ in range(40):
        altered = bytearray(right)
        altered[draw.randrange(len(right))] ^= 1 << draw.randrange(8)
        damaged.append(bytes(altered))
    for content in damaged:
        packed.write_bytes(content)
        try:
            task = load_task("table", paths, **options | {"path": str(packed)})
        except DataError:
            continue
        assert np.array_equal(task.train.y, whole.train.y)  # a bit of the header that says nothing of the data


def test_epochs_are_bounded() -> None:
    assert TrainerSettings(epochs=MOST_EPOCHS).epochs == MOST_EPOCHS
    for epochs in (0, MOST_EPOCHS + 1):
        with pytest.raises(ConfigError, match=rf"trainer.epochs={epochs} is outside 1 to"):
            TrainerSettings(epochs=epochs)
