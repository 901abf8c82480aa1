from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support import ownfiles

from benchmark.api import load_task
from benchmark.core.errors import UserError
from benchmark.core.files import changed
from benchmark.core.paths import Paths


def test_a_folder_for_each_class(tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_images(tmp_path)
    for hidden in ("photos/dark/._00.png", "photos/.trash/00.png"):  # as copies from other systems bring them
        (tmp_path / hidden).parent.mkdir(exist_ok=True)
        (tmp_path / hidden).write_bytes(b"no image")
    task = load_task("image_folder", paths, **options)
    assert (task.name, task.problem.names, task.clean) == ("own-multiclass", ("bright", "dark"), False)
    assert (len(task.train), len(task.test)) == (32, 8)
    assert task.train.x.shape[1:] == (3, 8, 8)
    assert np.array_equal(task.train.x.float().mean((1, 2, 3)).numpy() > 120, task.train.y == 0)
    assert task.places is not None
    assert sorted(task.places)[0] == "bright/01.png"
    assert not changed(task.files)
    Image.new("L", (4, 4)).save(tmp_path / "photos" / "dark" / "00.png")
    assert changed(task.files)


def test_a_csv_with_right_labels(tmp_path: Path, paths: Paths) -> None:
    ownfiles.write_images(tmp_path)
    files = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.glob("photos/*/*.png"))
    right = [name.split("/")[1] for name in files]
    pd.DataFrame({"path": files, "label": right[::-1], "clean": right}).to_csv(tmp_path / "list.csv", index=False)
    task = load_task("image_folder", paths, path=str(tmp_path / "list.csv"), channels=1)
    assert (task.clean, task.test_labels, tuple(task.train.x.shape[1:])) == (True, "right", (1, 32, 32))
    assert (task.annotations["observed"] != task.train.y).all()
    assert list(task.files) == [str(tmp_path / "list.csv")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 2}, "task.size=2"),
        ({"channels": 4}, "task.channels=4"),
        ({"path": "gone"}, "task.path=gone does not exist"),
        ({"path": "photos/dark"}, "dark holds no image: put them into a folder for each class"),
    ],
)
def test_wrong_settings_are_one_line(options: dict[str, Any], words: str, tmp_path: Path, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=words):
        load_task("image_folder", paths, **(ownfiles.write_images(tmp_path) | options))


@pytest.mark.parametrize("content", [b"", b"no image", b"\x89PNG\r\n\x1a\n truncated"])
def test_a_file_that_is_no_image_is_named(content: bytes, tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_images(tmp_path)
    (tmp_path / "photos" / "dark" / "bad.png").write_bytes(content)
    with pytest.raises(UserError, match=r"photos/dark/bad.png cannot be decoded as an image") as caught:
        load_task("image_folder", paths, **options)
    assert "\n" not in str(caught.value)


def test_half_an_image_is_named(tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_images(tmp_path)
    path = tmp_path / "photos" / "dark" / "00.png"
    path.write_bytes(path.read_bytes()[:-60])
    with pytest.raises(UserError, match=r"photos/dark/00.png cannot be decoded"):
        load_task("image_folder", paths, **options)
