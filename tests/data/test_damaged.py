"""Damaged, endless and overlarge files of a user's own: one line each."""

from __future__ import annotations

import gzip
import os
import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support import ownfiles

from benchmark.api import load_task
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.paths import Paths
from benchmark.data import images, own
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


def test_what_a_gz_unpacks_to_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own, "LARGEST", 1000)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(b"a,b\n" * 251))
    with pytest.raises(DataError, match="holds more than 1000 bytes"):
        own.read(tmp_path / "bomb.csv.gz")


def test_a_pipe_is_neither_a_table_nor_an_image(tmp_path: Path, paths: Paths) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="is a pipe or device: give a file or folder"):
        own.find(str(tmp_path / "pipe.csv"), "task.path", paths)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="is a pipe or device, not a file"):
        images.decode([tmp_path / "pipe.png"], 8, 3)


@pytest.mark.parametrize("name", ["\0", "x" * 5000, "~nosuchuser/x"])
def test_a_name_that_no_file_can_have_is_one_line(name: str, paths: Paths) -> None:
    with pytest.raises(DataError, match=r"task\.path="):
        own.find(name, "task.path", paths)


def test_pixels_are_bounded_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "LARGEST", 99)
    Image.new("L", (10, 10)).save(tmp_path / "large.png")
    with pytest.raises(DataError, match=r"large.png has 10 x 10 pixels, more than 99"):
        images.decode([tmp_path / "large.png"], 8, 1)


def test_epochs_are_bounded() -> None:
    assert TrainerSettings(epochs=MOST_EPOCHS).epochs == MOST_EPOCHS
    for epochs in (0, MOST_EPOCHS + 1):
        with pytest.raises(ConfigError, match=rf"trainer.epochs={epochs} is outside 1 to"):
            TrainerSettings(epochs=epochs)
