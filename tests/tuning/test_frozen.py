"""Frozen choices: read back, refused when altered, repeated by their command."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from support.tuned import POINT, SEEDS, grid, row_of

from benchmark.config.cells import command
from benchmark.core.errors import DataError
from benchmark.tuning import frozen
from benchmark.tuning.frozen import blind_rows, freeze


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Frozen choices of the test's own."""
    monkeypatch.setattr(frozen, "FOLDER", tmp_path / "frozen")
    frozen._untuned.cache_clear()
    return tmp_path / "frozen"


def test_a_frozen_choice_is_read_back_and_refused_when_altered(folder: Path) -> None:
    assert frozen.frozen("gce") is None
    path = freeze("gce", {"keys": dict(POINT.keys), "trainer": dict(POINT.trainer), "scores": [0.1, 1.0, 1e-7]})
    assert frozen.frozen("gce") == POINT
    path.write_text(path.read_text().replace("0.25", "0.26"))
    with pytest.raises(DataError, match=r"gce.yaml was altered since it was frozen") as caught:
        grid("blind")
    assert "\n" not in str(caught.value)


def test_the_blind_cell_holds_plain_numbers_that_its_command_repeats(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    freeze("gce", {"keys": dict(POINT.keys), "trainer": dict(POINT.trainer)})
    erm, cell = grid("blind").cells
    assert (erm.labels["method"], erm.labels["trainer"]) == ("erm", "quick(epochs=10)")
    assert cell.config["method"]["q"] == 0.25
    assert {key: cell.config["trainer"][key] for key in POINT.trainer} == {"lr": 0.006, "weight_decay": 1e-6, "epochs": 5}
    assert {"method.q=0.25", "trainer.lr=0.006", "trainer.epochs=5", "trainer.weight_decay=1e-06"} <= set(shlex.split(command(cell, (0, 0, 0))))
    assert [made.id for made in grid("blind", method="mae").cells] == [made.id for method in ("erm", "mae") for made in grid("default", method=method).cells]
    grid("blind", method="mae")
    assert capsys.readouterr().out.count("mae has no conf/tuned/mae.yaml, its defaults are used") == 1


def test_the_board_shows_a_blind_row_in_the_cell_of_its_trainer(folder: Path) -> None:
    cells = [grid("default", method).cells[0] for method in ("erm", "gce")]
    freeze("gce", {"keys": dict(POINT.keys), "trainer": dict(POINT.trainer)})
    cells += grid("blind").cells[1:]
    rows = [row_of(cell, SEEDS[0], 0.5) for cell in cells]
    assert [(row.labels["method"], row.labels["trainer"]) for row in blind_rows(rows)] == [(m, "quick(epochs=10)") for m in ("erm", "gce", "gce:blind")]
    freeze("gce", {"keys": {}, "trainer": {}})  # the defaults won
    assert [row.labels["method"] for row in blind_rows(rows[:2])] == ["erm", "gce", "gce:blind"]
