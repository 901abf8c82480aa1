"""A task whose package is not at hand is left out of a sweep with a line; the others run."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmark.config.grid import expand
from benchmark.core.paths import Paths
from benchmark.data import wheels
from benchmark.data.wheels import Wheel
from benchmark.running.packages import lacking


def test_a_task_without_its_package_is_named_once_with_the_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr(wheels, "found", lambda wheel, paths: None)  # wherever this machine keeps some
    cells = expand([{"task": ["vader", "vader_rating", "digits"], "method": ["erm", "mixup"], "noise": "clean", "trainer": "smoke"}], {}, {}, []).cells
    asked: list[Wheel] = []
    real = wheels.fetched

    def counted(wheel: Wheel, paths: Paths) -> Path:
        asked.append(wheel)
        return real(wheel, paths)

    monkeypatch.setattr(wheels, "fetched", counted)
    found = lacking(cells, Paths.default(data=str(tmp_path / "data"), cache=str(tmp_path / "cache")))
    assert list(found) == ["vader", "vader_rating"]
    assert "vaderSentiment 3.3.2 cannot be fetched" in found["vader"]
    assert len(asked) == 1


def test_a_package_at_hand_is_not_lacking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "fetched", lambda wheel, paths: tmp_path)
    cells = expand([{"task": "cxr_reports", "method": "erm", "noise": "clean", "trainer": "smoke"}], {}, {}, []).cells
    assert lacking(cells, Paths.default(cache=str(tmp_path))) == {}
