"""No logger decides whether a run counts."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from benchmark.board.dashboard import offline_runs
from benchmark.config.grid import expand
from benchmark.core.paths import Paths
from benchmark.review.verify import differences
from benchmark.running import loggers
from benchmark.running.limits import TOO_LONG
from benchmark.running.loggers import ForgivingLogger, RunLogger
from benchmark.running.runner import Options, run_cell

GRID = [{"task": "digits", "noise": "symmetric", "model": "linear", "trainer": "smoke(epochs=2,reference_folds=0)", "method": "erm"}]
SEEDS = [(0, 0, 0), (1, 1, 1)]


@pytest.fixture(autouse=True)
def untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loggers, "_told", set())


class Broken(RunLogger):
    """Fails in one of its parts."""

    def __init__(self, part: str) -> None:
        self.part, self.closed = part, False

    def checkpoint(self, record: Any) -> None:
        assert self.part != "checkpoint"

    def finish(self, *_: Any) -> None:
        assert self.part != "finish"

    def close(self, failed: bool) -> None:
        self.closed = True
        assert self.part != "close"


@pytest.mark.parametrize("part", ["make", "checkpoint", "finish", "close"])
def test_a_logger_that_breaks_loses_no_row(part: str, paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    made: list[Broken] = []

    def make(*_: Any) -> Broken:
        assert part != "make"
        made.append(Broken(part))
        return made[-1]

    (cell,) = expand(GRID, {}, {}, []).cells
    (plain,) = run_cell(cell, SEEDS[:1], Paths(paths.data, paths.results / "plain", paths.cache))
    monkeypatch.setattr(loggers, "CsvLogger", make)
    rows = run_cell(cell, SEEDS, paths, Options(logger="csv"))
    assert [row.status for row in rows] == ["ok", "ok"]
    assert not differences(rows[0], plain)
    assert all(logger.closed for logger in made)
    assert capsys.readouterr().err.count("warning: logger=csv failed") == 1


def test_a_limit_is_no_failure_of_the_logger() -> None:
    logger = ForgivingLogger("x", RunLogger)

    def late(record: Any) -> None:
        raise TimeoutError(TOO_LONG)

    logger._inner.checkpoint = late  # type: ignore[method-assign]
    with pytest.raises(TimeoutError):
        logger.checkpoint(None)  # type: ignore[arg-type]


class Refusing(BaseHTTPRequestHandler):
    """A server that is ill."""

    def do_POST(self) -> None:
        self.send_error(503)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def ill(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("WANDB_API_KEY", "a" * 40)
    monkeypatch.setattr(loggers, "PATIENCE", 3)
    yield server
    server.shutdown()


@pytest.mark.slow
def test_runs_go_on_where_wandb_does_not_answer(ill: HTTPServer, paths: Paths, capfd: pytest.CaptureFixture[str]) -> None:
    (cell,) = expand(GRID, {}, {}, []).cells
    rows = run_cell(cell, SEEDS, paths, Options(logger="wandb"))
    assert [row.status for row in rows] == ["ok", "ok"]
    assert len(offline_runs(paths.results)) == 2
    assert capfd.readouterr().err.count("W&B does not answer") == 1


@pytest.mark.slow
def test_wandb_mode_is_the_users(ill: HTTPServer, paths: Paths, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    (cell,) = expand(GRID, {}, {}, []).cells
    (row,) = run_cell(cell, SEEDS[:1], paths, Options(logger="wandb"))
    assert row.status == "ok"
    assert len(offline_runs(paths.results)) == 1
    assert "W&B" not in capfd.readouterr().err
    assert not list(Path(paths.results).glob("wandb/wandb/run-*"))
