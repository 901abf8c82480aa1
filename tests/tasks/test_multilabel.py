from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from support import ownfiles

from benchmark.api import load_task
from benchmark.core.errors import UserError
from benchmark.core.paths import Paths
from benchmark.noise.cache import corrupt


def test_unknown_labels_stay_unknown(tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_multilabel(tmp_path)
    task = load_task("multilabel", paths, **(options | {"clean": [], "ignore": ["p_right", "q_right"]}))
    assert (task.problem.names, task.clean, task.test_labels) == (("p", "q"), False, "observed")
    y, lines = np.concatenate([task.train.y, task.test.y]), task.places
    assert lines is not None
    assert np.array_equal(y[:, 1] == -1, (lines - 2) % 10 == 0)
    assert task.train.x.shape[1] == 5  # a, b and three colors


def test_right_labels(tmp_path: Path, paths: Paths) -> None:
    task = load_task("multilabel", paths, **ownfiles.write_multilabel(tmp_path))
    assert task.places is not None
    rows = ownfiles.table().iloc[task.places[: len(task.train)] - 2]
    assert np.array_equal(task.train.y[:, 0], rows["right"] == "yes")
    assert np.array_equal(task.annotations["observed"][:, 0], rows["given"] == "yes")
    made, _ = corrupt(task, {"_target_": "benchmark.noise.simple.Recorded", "set": None}, 0, paths.cache)
    assert (made.observed.reshape(-1, 2)[:, 1] == -1).sum() == (task.annotations["observed"] == -1).sum() > 0


def test_images_of_a_column(tmp_path: Path, paths: Paths) -> None:
    ownfiles.write_images(tmp_path)
    files = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.glob("photos/*/*.png"))
    pd.DataFrame({"file": files, "bright": [int("bright" in name) for name in files]}).to_csv(tmp_path / "scans.csv", index=False)
    options = {"path": str(tmp_path / "scans.csv"), "labels": ["bright"], "inputs": "image", "images_from": "file", "size": 6, "channels": 1}
    task = load_task("multilabel", paths, **options)
    assert task.train.x.shape[1:] == (1, 6, 6)
    assert task.train.x.dtype == torch.uint8
    assert np.array_equal(task.train.x.float().mean((1, 2, 3)).numpy() > 120, task.train.y[:, 0] == 1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"labels": []}, r"task.labels=\[\]"),
        ({"clean": ["p_right"]}, r"none or as many of right ones"),
        ({"labels": ["a", "q"]}, r"genes.csv line 2: label 'a' is 2.04"),
        ({"labels": ["p", "qq"]}, r"no column 'qq' \(task.labels\): did you mean 'q'"),
        ({"inputs": "image"}, r"task.images_from=None: images need"),
        ({"inputs": "image", "images_from": "color"}, r"(red|green|blue) is missing: correct the table"),
        ({"ignore": ["x"]}, r"no column 'x' \(task.ignore or task.categorical\)"),
    ],
)
def test_bad_input_is_one_line(options: dict[str, Any], words: str, tmp_path: Path, paths: Paths) -> None:
    with pytest.raises(UserError, match=words):
        load_task("multilabel", paths, **(ownfiles.write_multilabel(tmp_path) | options))


def test_rows_without_a_known_label_are_left_out_by_name(tmp_path: Path, paths: Paths, caplog: pytest.LogCaptureFixture) -> None:
    options = ownfiles.write_multilabel(tmp_path)
    table = pd.read_csv(options["path"], dtype={"p": float})
    table.loc[[4, 9], ["p", "q"]] = [[-1, np.nan], [np.nan, -1]]
    table.to_csv(options["path"], index=False)
    task = load_task("multilabel", paths, **options)
    assert len(task.train) + len(task.test) == len(table) - 2
    assert not {6, 11} & set(task.places.tolist())  # type: ignore[union-attr]
    assert "line 6 has no known label and is left out, with 1 rows like it" in caplog.text
    table.assign(p=[0, 1] + [-1] * (len(table) - 2), q=[0, 1] + [-1] * (len(table) - 2)).to_csv(options["path"], index=False)
    with pytest.raises(UserError, match="has 2 rows with a known label"):
        load_task("multilabel", paths, **options)


def test_a_label_that_is_always_the_same_is_refused(tmp_path: Path, paths: Paths) -> None:
    options = ownfiles.write_multilabel(tmp_path)
    pd.read_csv(options["path"]).assign(p=1).to_csv(options["path"], index=False)
    with pytest.raises(UserError, match="label 'p' never is 0: leave it out"):
        load_task("multilabel", paths, **options)
