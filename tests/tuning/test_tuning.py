"""Hyper-parameter tracks: what is tried, what wins, what is frozen, and how the board shows it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.board.comparisons import compute
from benchmark.board.frames import run_frame
from benchmark.commands import tune as tuning
from benchmark.core.errors import DataError
from benchmark.results.store import Store
from benchmark.tuning import frozen
from benchmark.tuning.frozen import freeze
from benchmark.tuning.records import Record, shown, tuned_rows
from benchmark.tuning.space import Point, trials


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Frozen choices of the test's own."""
    monkeypatch.setattr(frozen, "FOLDER", tmp_path / "frozen")
    frozen._untuned.cache_clear()
    return tmp_path / "frozen"


def three(method: str) -> tuple[Point, ...]:
    return trials(method, 3)


def benchmark(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    from benchmark.__main__ import main

    monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("PYTHONPATH", "HYDRA_FULL_ERROR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for module in (frozen, tuning):
        monkeypatch.setattr(module, "trials", three)
    return main()


def test_tuning_end_to_end(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["task=digits", "noise=symmetric(rate=0.4)", "model=linear", "trainer=smoke(reference_folds=0)", "seeds=[0,1]"]
    where = [f"paths.results={tmp_path}", f"paths.cache={tmp_path / 'cache'}"]
    for track in ("tuned", "tuned_clean", "blind"):  # the trials are run once
        assert benchmark(monkeypatch, "tune", "method=gce", f"track={track}", *place, *(["experiment=development"] if track == "blind" else []), *where) == 0
        assert len(list(Store(tmp_path / "tuned").rows())) == 3 * 2
    out = capsys.readouterr().out
    assert "not frozen, it is no whole tuning" in out
    assert not folder.exists()
    freeze("gce", {"keys": {"q": 0.25}, "trainer": {"lr": 2.0, "weight_decay": 1e-06, "epochs": 0.5}})
    assert benchmark(monkeypatch, "method=gce", "setting=blind", *place, *where) == 0
    rows = list(Store(tmp_path).rows())
    board = shown(rows, tmp_path)
    assert sorted({row.labels["method"] for row in board}) == ["erm", "gce:blind", "gce:tuned", "gce:tuned_clean"]
    cells = compute(board).cells
    assert cells["trainer"].unique().tolist() == ["smoke(reference_folds=0)"]
    cells = cells[cells["track"] == "last"].set_index("method")
    assert cells["cost"].round(9).to_dict() == {"erm": 1, "gce:blind": 1, "gce:tuned": 3, "gce:tuned_clean": 3}
    assert cells["n"].eq(2).all()
    assert cells["privileged"].to_dict() == {"erm": "", "gce:blind": "", "gce:tuned": "", "gce:tuned_clean": "clean_val"}
    assert "gce:tuned_clean*" in (tmp_path / "local/leaderboard.md").read_text()
    (path,) = (tmp_path / "tuned").glob("*-tuned.json")
    record = Record.model_validate_json(path.read_bytes())
    assert record.trial == int(np.argmax(record.scores))  # type: ignore[arg-type]
    assert run_frame(tuned_rows(rows, tmp_path))["score"].between(0, 1).all()
    assert tuned_rows([row.model_copy(update={"labels": row.labels | {"noise": "clean"}}) for row in rows], tmp_path) == []
    path.write_text("{}")
    with pytest.raises(DataError, match="is no record of a tuning"):
        tuned_rows(rows, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["method=gcee"], "did you mean 'gce'?"),
        ([], "method='' does not exist"),
        (["method=gce", "track=best"], "track='best'"),
        (["method=gce", "track=tuned", "task=digits"], "give task= and noise="),
        (["method=gce", "track=tuned", "task=diamonds", "noise=gaussian"], "nothing to tune: gce supports categorical"),
    ],
)
def test_wrong_input_is_one_line(arguments: list[str], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark(monkeypatch, "tune", *arguments, f"paths.results={tmp_path}") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert words in line
