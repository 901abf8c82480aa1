"""What is there of the data, under which licence, and what cannot be had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.imagefiles import TEST, TRAIN, write_images

from benchmark.commands.data import fetch_wheels, report
from benchmark.core.errors import ConfigError
from benchmark.core.paths import Paths
from tasks import cifar10


def cifar(paths: Paths, **options: Any) -> dict[str, np.ndarray]:
    return write_images(paths.data, cifar10.IMAGES, 10, **options)


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """Folders that stand for the project's own."""
    own = Paths(tmp_path / "own-data", tmp_path / "own-results", tmp_path / "own-cache")
    monkeypatch.setattr(Paths, "default", lambda: own)
    return own


def test_setup_goes_on_where_the_registry_is_out_of_reach(project: Paths, capsys: pytest.CaptureFixture[str]) -> None:
    assert fetch_wheels() == 0
    shown = capsys.readouterr()
    assert "fetching 35.8 MB" in shown.out
    assert shown.err.count("\n") == 1
    tasks = "cxr_reports, padchest_reports, diamonds, vader, vader_rating, yeast"
    assert f"goes on without the data of {tasks}" in shown.err


def test_data_tells_what_is_there_and_under_which_licence(paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(Paths, "default", lambda **_: paths)
    cifar(paths)
    (paths.data / "cifar-10-100n/data").mkdir(parents=True)
    (paths.data / "cifar-10-100n/data/CIFAR-10_human.pt").write_bytes(b"")
    assert report([]) == 1
    text = capsys.readouterr().out
    assert "\ndigits: CC BY 4.0 (UCI)" in text
    block = text.partition("\ncifar10n: CC BY-NC 4.0 (labels; never shipped here)")[2].partition("\n\n")[0]
    assert "there    cifar10  [no formal licence" in block
    assert f"{TRAIN + TEST} examples" in block
    assert "damaged  cifar-10-100n/data/CIFAR-10_human.pt  [CC BY-NC 4.0" in block
    assert "has 0 bytes" in block
    assert "missing  label-errors/cifar10_mturk.json  [Apache-2.0" in block
    assert "save https://raw.githubusercontent.com/cleanlab/label-errors" in block
    (paths.data / "cifar-10-100n/data/CIFAR-10_human.pt").unlink()
    assert report([]) == 0
    assert report(["task=cifar10n"]) == 1
    with pytest.raises(ConfigError, match="task='cifar10m' is unknown: give task=NAME; did you mean 'cifar10'"):
        report(["task=cifar10m"])
