"""Hyper-parameter tracks: what is tried, what wins, what is frozen, and how the board shows it."""

from __future__ import annotations

import functools
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from benchmark.board.comparisons import compute
from benchmark.board.frames import run_frame
from benchmark.commands import tune as tuning
from benchmark.commands.tune import SCORES, Tried, collected, normalized, winner
from benchmark.config.build import NOT_PARAMETERS, build, load, option
from benchmark.config.cells import command
from benchmark.config.grid import Grid, expand
from benchmark.config.registry import names, raw
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.protocol import DEVELOPMENT, TRIALS
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.tuning import frozen, space
from benchmark.tuning.frozen import blind_rows, freeze, variants
from benchmark.tuning.records import Record, shown, tuned_rows
from benchmark.tuning.space import SHARED, Point, rescaled, trials, varied

PRODUCT = {"task": "digits", "noise": "symmetric(rate=0.4)", "trainer": "quick(epochs=10)"}
POINT = Point({"q": 0.25}, {"lr": 2.0, "weight_decay": 1e-06, "epochs": 0.52})
SEEDS = [(0, 0, 0), (1, 1, 1)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Frozen choices of the test's own."""
    monkeypatch.setattr(frozen, "FOLDER", tmp_path / "frozen")
    frozen._untuned.cache_clear()
    return tmp_path / "frozen"


def grid(setting: str, method: str = "gce", extra: tuple[str, ...] = (), **changed: str) -> Grid:
    return expand([PRODUCT | {"method": method} | changed], {}, {}, extra, functools.partial(variants, setting))


def row_of(cell: Any, seed: tuple[int, int, int], score: float | None, **changed: Any) -> Row:
    """A finished row with a validation score, or a failed one; its test scores rank the other way round."""
    made: dict[str, Any] = {"cell": cell.id, "seed": seed, "status": "failed", "labels": cell.labels, "config": dict(cell.config), **cell.choice}
    if score is not None:
        metrics = {"val/last/clean_val": score, "val/last/noisy_val": 1 - score, "test/last/accuracy": -score, "test/last/mae": -score}
        made |= {"status": "ok", "metrics": metrics, "cost": {"passes": 10, "seconds": 0.5}}
    return Row(**(made | changed))


@pytest.mark.parametrize("method", names("method"))
def test_trials_are_the_defaults_and_points_of_the_space(method: str) -> None:
    tried = trials(method)
    assert len(tried) == TRIALS
    assert tried[0] == Point()
    own = raw("method", method).get("space", {})
    for point in tried[1:]:
        assert set(point.keys) == set(own)
        for ranges, values in ((own, point.keys), (SHARED, point.trainer)):
            for key, value in values.items():
                allowed = ranges[key]
                assert value in allowed if isinstance(allowed, list) else allowed["low"] <= value <= allowed["high"]
                assert isinstance(value, str) or float(f"{value:.3g}") == value
    assert len({str(point) for point in tried}) == TRIALS


def test_trials_fill_the_space_and_depend_on_the_method_alone() -> None:
    lr = np.log10([point.trainer["lr"] for point in trials("elr")[1:]])
    assert [np.sum((lr >= low) & (lr < low + 0.5)) for low in (-1, -0.5, 0, 0.5)] in ([[3, 4, 4, 4], [4, 3, 4, 4], [4, 4, 3, 4], [4, 4, 4, 3]])
    before = trials("elr")
    trials.cache_clear()
    assert trials("elr") == before
    assert trials("elr", 3) == before[:3]
    assert trials("erm")[1].trainer != trials("mae")[1].trainer


def test_erm_is_searched_over_what_the_protocol_names() -> None:
    points = trials("erm")[1:]
    assert {(*point.trainer, *point.keys) for point in points} == {("lr", "weight_decay", "epochs", "label_smoothing")}
    smoothing = sorted(point.keys["label_smoothing"] for point in points)
    assert smoothing[0] < 0.03
    assert smoothing[-1] > 0.2
    cells = grid("trials", "erm").cells
    assert [cell.config["method"]["label_smoothing"] for cell in cells] == [0, *(point.keys["label_smoothing"] for point in points)]
    assert cells[0].id == grid("default", "erm").cells[0].id
    output, target = torch.tensor([[2.0, 0.0, -1.0], [0.5, 0.1, 3.0]]), torch.tensor([0, 1])
    smoothed, same = (build(load("method", name), "method") for name in ("erm", "label_smoothing"))
    smoothed.label_smoothing = same.eps = 0.3
    assert torch.equal(smoothed.loss(output, target), same.loss(output, target))
    assert torch.equal(smoothed.loss(output[:, :1], target), (output[:, 0] - target) ** 2)
    smoothed.label_smoothing = 0.0
    assert torch.equal(smoothed.loss(output, target), torch.nn.functional.cross_entropy(output, target, reduction="none"))


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"p": [1, 2]}, "'?q"),
        ({"q": {"low": 1, "high": 0.5, "log": False}}, "no range"),
        ({"q": {"low": 0, "high": 1, "log": True}}, "no range"),
        ({"q": [0.7]}, "no range"),
        ({"q": [1, 2], "a": [1], "b": [1], "c": [1]}, "4 keys"),
    ],
)
def test_a_space_that_is_none_is_refused(block: Mapping[str, Any], words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "raw", lambda group, name: {"space": block})
    with pytest.raises(ConfigError, match=words) as caught:
        space.space("gce")
    assert "\n" not in str(caught.value)


def test_a_space_is_no_part_of_a_cell() -> None:
    assert not any(block in option("method", name) for name in names("method") for block in NOT_PARAMETERS)
    assert "paper" in raw("method", "elr")
    assert "space" in raw("method", "elr")
    assert "space" not in option("method", "sam")["base"]
    (plain,) = expand([PRODUCT | {"method": "elr", "trainer": "quick"}], {}, {}, []).cells
    assert plain.config["method"] == {"_target_": "benchmark.methods.regularization.elr.ELR", "lam": 3.0, "beta": 0.7}
    assert plain.labels["method"] == "elr"


def test_a_point_enters_the_entries_and_what_is_said_explicitly_stays() -> None:
    entries = varied({"task": "digits", "method": "gce", "trainer": "quick(epochs=10)"}, POINT)
    assert entries == {"task": "digits", "method": "gce(q=0.25)", "trainer": "quick(epochs=5, lr=0.006, weight_decay=1e-06)"}
    _, explicit = grid("blind", method="gce(q=0.9)").cells
    assert explicit.config["method"]["q"] == 0.9
    assert rescaled({"epochs": 1, "lr": 0.1, "weight_decay": 0.5}, {}) == {"epochs": 1, "lr": 0.1, "weight_decay": 0.5}
    assert rescaled({"epochs": 1, "lr": 0.1, "weight_decay": 0.5}, POINT.trainer)["epochs"] == 1


def test_winner_by_hand() -> None:
    nan = np.nan
    scores = np.array([[0.5, 0.7, 0.9, nan], [-30.0, -10.0, -20.0, -12.0], [0.4, 0.4, nan, 0.4]])
    assert normalized(scores) == pytest.approx(np.array([[0, 0.5, 1, 0], [0, 1, 0.5, 0.9], [1, 1, 0, 1]]))
    assert winner(scores) == 1  # 2.5 of 3; the second best 1.9
    assert winner(np.array([[0.1, 0.9, 0.4], [0.3, 0.1, 0.3]])) == 2  # 0 + 1, 1 + 0, 0.375 + 1
    assert winner(np.array([[nan, 0.9, 0.2], [0.9, 0.7, 0.1]])) == 1  # a failure weighs as much as the worst: 0 + 1, 1 + 0.75
    assert winner(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])) == 1  # a tie goes to the lower number
    assert winner(np.array([[0.1, 0.2, 0.3], [0.3, 0.2, 0.1]])) == 0


def test_scores_never_come_from_the_test_set_and_a_failed_seed_fails_its_trial() -> None:
    for task, sign in (("digits", 1), ("diamonds", -1)):
        noise, method = ("symmetric", "gce") if task == "digits" else ("gaussian", "huber")
        (cells,) = grid("trials", task=task, noise=noise, method=method).variants
        values = [0.3, 0.6, None, 0.9]
        rows = [[row_of(cell, seed, value if seed[0] == 0 or value is None else value - 0.1) for seed in SEEDS] for cell, value in zip(cells, values)]  # noqa: B905
        rows[3][1] = row_of(cells[3], SEEDS[1], None)
        tried = Tried(cells, rows)
        assert tried.scores(SCORES["blind"]) == pytest.approx([sign * 0.25, sign * 0.55, np.nan, np.nan], nan_ok=True)
        chosen = winner(tried.scores(SCORES["blind"])[None])
        garbage = [
            [row.model_copy(update={"metrics": {k: (9e9 * i if k[:4] == "test" else v) for k, v in row.metrics.items()}}) for row in runs]
            for i, runs in enumerate(rows)
        ]
        assert winner(Tried(cells, garbage).scores(SCORES["blind"])[None]) == chosen == (1 if sign > 0 else 0)
        assert (tried.total("passes"), tried.total("seconds", SEEDS[1]), tried.failed) == (50, 1.0, 3)
    assert all(key.startswith("val/last/") for key in SCORES.values())
    with pytest.raises(ConfigError, match="no trial of diamonds gaussian huber has a score"):
        tried.scores("val/last/other")


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


def test_development_tasks_and_noises_are_those_of_the_protocol() -> None:
    development, quick = ({p["task"]: p for p in raw("experiment", name)["hydra"]["sweeper"]["grid"]} for name in ("development", "quick"))
    assert set(development) == set(DEVELOPMENT)
    for task, product in development.items():
        shown = quick[task]["noise"]
        assert set(shown if isinstance(shown, list) else [shown]) <= set(product["noise"])  # what the first look shows was tuned on
        assert product.get("trainer") == quick[task].get("trainer")
        assert len(product["noise"]) == 3
        assert "method" not in product
    assert raw("experiment", "development")["seeds"] == [0, 1]


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


def test_missing_trials_are_told(tmp_path: Path) -> None:
    store, found = Store(tmp_path), grid("trials")
    for cell in found.cells[1:]:
        store.write(row_of(cell, SEEDS[0], 0.5))
    with pytest.raises(ConfigError, match="17 runs of the trials are missing"):
        collected(found, SEEDS, tmp_path)
