"""Images become pixels, or one line that says why not."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmark.core.errors import DataError
from benchmark.core.paths import Paths
from benchmark.data import images, own
from benchmark.data.images import decode


def test_a_pipe_is_neither_a_table_nor_an_image(tmp_path: Path, paths: Paths) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="is a pipe or device: give a file or folder"):
        own.find(str(tmp_path / "pipe.csv"), "task.path", paths)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match="is a pipe or device, not a file"):
        images.decode([tmp_path / "pipe.png"], 8, 3)


def test_pixels_are_bounded_before_they_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "LARGEST", 99)
    Image.new("L", (10, 10)).save(tmp_path / "large.png")
    with pytest.raises(DataError, match=r"large.png has 10 x 10 pixels, more than 99"):
        images.decode([tmp_path / "large.png"], 8, 1)


def test_gray_levels_of_16_bits_and_palettes(tmp_path: Path) -> None:
    level = np.linspace(0, 4095, 64).round().astype(np.uint16).reshape(8, 8)
    Image.fromarray(level).save(tmp_path / "deep.png")
    shallow = np.linspace(0, 255, 64).round().astype(np.uint8).reshape(8, 8)
    Image.fromarray(shallow).convert("P").save(tmp_path / "palette.png")
    found = images.decode([tmp_path / "deep.png", tmp_path / "palette.png"], 8, 1)[:, 0]
    assert torch.equal(found[1], torch.from_numpy(shallow))
    assert int((found[0].int() - torch.from_numpy(shallow).int()).abs().max()) <= 1


def test_decoding_keeps_colors_and_orientation(tmp_path: Path) -> None:
    pixels = np.zeros((8, 8, 3), dtype=np.uint8)
    pixels[:4, :, 0], pixels[:, 4:, 2] = 255, 255
    Image.fromarray(pixels).save(tmp_path / "a.png")
    found = decode([tmp_path / "a.png"], 8, 3)[0]
    assert torch.equal(found.permute(1, 2, 0), torch.from_numpy(pixels))
