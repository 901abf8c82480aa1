from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from support import ownfiles

from benchmark.api import load_task
from benchmark.api import run as run_cell
from benchmark.board.comparisons import compute
from benchmark.board.leaderboard import sections
from benchmark.config.build import load
from benchmark.config.cells import Cell
from benchmark.config.grid import expand
from benchmark.core.errors import ConfigError, DataError, UserError
from benchmark.core.paths import Paths
from benchmark.core.protocol import AXES
from benchmark.noise.cache import corrupt
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.running.sweep import pending

Change = Callable[[pd.DataFrame], pd.DataFrame]


def written(folder: Path, change: Change = lambda t: t, name: str = "shop.csv") -> str:
    found = change(ownfiles.table())
    if name.endswith(".parquet"):
        found.to_parquet(folder / name)
    else:
        found.to_csv(folder / name, index=False)
    return str(folder / name)


CLASSES = {"problem": "multiclass", "target": "given", "clean": "right", "ignore": ["price", "right_price"]}
PRICES = {"target": "price", "clean": "right_price", "problem": "regression", "ignore": ["given", "right"]}


def test_classes_with_right_labels(tmp_path: Path, paths: Paths) -> None:
    task = load_task("table", paths, path=written(tmp_path), **CLASSES)
    assert (task.name, task.problem.names, task.clean, task.test_labels) == ("own-multiclass", ("no", "yes"), True, "right")
    assert len(task.train) + len(task.test) == ownfiles.ROWS
    assert len(task.test) == 24
    lines = task.places
    assert lines is not None
    assert sorted(lines) == list(range(2, ownfiles.ROWS + 2))
    original = ownfiles.table().iloc[lines - 2]
    assert [task.problem.names[c] for c in np.concatenate([task.train.y, task.test.y])] == list(original["right"])
    assert [task.problem.names[c] for c in task.annotations["observed"]] == list(original["given"])[: len(task.train)]


def test_observed_labels_only(tmp_path: Path, paths: Paths) -> None:
    task = load_task("table", paths, path=written(tmp_path), **(PRICES | {"clean": None, "ignore": ["given", "right", "right_price"]}))
    assert (task.problem.name, task.clean, task.test_labels) == ("regression", False, "observed")
    for noise in ("clean", "recorded"):
        made, _ = corrupt(task, load("noise", noise), 0, paths.cache)
        assert made.clean is None
        assert made.transition is None
        assert np.array_equal(made.observed, task.train.y)
    with pytest.raises(ConfigError, match="observed labels only"):
        corrupt(task, load("noise", "uniform_resample", rate=0.4), 0, paths.cache)


def test_parquet_and_csv_agree(tmp_path: Path, paths: Paths) -> None:
    a, b = (load_task("table", paths, path=written(tmp_path, name=name), **CLASSES) for name in ("shop.csv", "shop.parquet"))
    assert torch.allclose(a.train.x, b.train.x)
    assert np.array_equal(a.train.y, b.train.y)


def test_test_part_follows_the_inputs_not_the_labels_and_not_the_name(tmp_path: Path, paths: Paths) -> None:
    def swapped(t: pd.DataFrame) -> pd.DataFrame:
        return t.assign(given=t["right"], right=t["given"])

    first = load_task("table", paths, path=written(tmp_path), **CLASSES)
    second = load_task("table", paths, path=written(tmp_path, swapped), **CLASSES)
    renamed = load_task("table", paths, path=written(tmp_path, name="other.csv"), **CLASSES)
    assert torch.equal(first.test.x, second.test.x)
    assert torch.equal(first.test.x, renamed.test.x)
    assert first.name == renamed.name  # the name of a task seeds its splits


def test_five_distinct_targets_and_numbered_classes_are_legal(tmp_path: Path, paths: Paths) -> None:
    path = written(tmp_path, lambda t: t.assign(stars=np.arange(len(t)) % 5 + 1.0))
    ignore = ["given", "right", "price", "right_price"]
    rated = load_task("table", paths, path=path, target="stars", problem="regression", ignore=ignore)
    assert set(rated.train.y) == {1.0, 2.0, 3.0, 4.0, 5.0}
    assert load_task("table", paths, path=path, target="stars", ignore=ignore).problem.names == ("1", "2", "3", "4", "5")


def at(row: int, name: str, value: Any) -> Change:
    def change(t: pd.DataFrame) -> pd.DataFrame:
        t = t.astype({name: object})
        t.loc[row, name] = value
        return t

    return change


BAD: dict[str, tuple[Change, dict[str, Any], str]] = {
    "no path": (lambda t: t, {"path": None}, r"task.path is missing: give task.path=FILE"),
    "no file": (lambda t: t, {"path": "gone.csv"}, r"task.path=gone.csv does not exist"),
    "no target": (lambda t: t, {"target": None}, r"task.target is missing: .* has a, b, color"),
    "missing column": (lambda t: t, {"target": "prize"}, r"has no column 'prize' \(task.target\): did you mean 'price'"),
    "empty target": (at(5, "price", ""), {}, r"shop.csv line 7: 'price' is nan, no finite number \(1 such rows\)"),
    "infinite target": (at(6, "price", "inf"), {}, r"shop.csv line 8: 'price' is inf, no finite number"),
    "text target": (at(6, "price", "cheap"), {}, r"line 8: 'price' is cheap, no finite number"),
    "constant target": (lambda t: t.assign(price=4.5), {}, r"'price' is always 4.5: nothing can be learned"),
    "empty class": (at(3, "given", ""), CLASSES, r"shop.csv line 5: 'given' is empty"),
    "one class": (lambda t: t.assign(given="no", right="no"), CLASSES, r"'given' is always 'no'"),
    "numbers as classes": (lambda t: t, CLASSES | {"target": "price", "clean": None}, r"has 120 classes in 120 rows: .*task.problem=regression"),
    "few rows": (lambda t: t[:7], {}, r"has 7 rows: training, validation and test need at least 20"),
    "a name per row": (
        lambda t: pd.concat([t] * 3).assign(who=[f"p{i}" for i in range(360)], given=lambda t: t["right"]),
        CLASSES,
        r"column 'who' has \d+ levels .*task.ignore=\[who\]",
    ),
    "infinite input": (at(2, "a", "inf"), {"categorical": []}, r"shop.csv line 4: 'a' is infinite"),
    "equal inputs": (lambda t: t.assign(a=1, b=1, color="red"), {}, r"only 1 examples differ in their inputs"),
    "no inputs": (lambda t: t[["given", "right", "price", "right_price"]], {}, r"has no input column"),
    "wrong problem": (lambda t: t, {"problem": "tagging"}, r"task.problem=tagging is not what a table holds"),
    "fraction": (lambda t: t, {"test_fraction": 1.5}, r"task.test_fraction=1.5 is outside \(0, 1\)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_line(name: str, tmp_path: Path, paths: Paths) -> None:
    change, options, words = BAD[name]
    options = {"path": written(tmp_path, change), **PRICES, **options}
    with pytest.raises(UserError, match=words) as caught:
        load_task("table", paths, **options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"a,b\n1,2\n1,2,3\n", "Expected 2 fields in line 3, saw 3"), (b"", "No columns"), (b"a,b\n\xff\xfe,1\n", "utf-8"), (b"\x89PNG", "csv")],
)
def test_files_that_are_no_table(content: bytes, words: str, tmp_path: Path, paths: Paths) -> None:
    (tmp_path / "bad.csv").write_bytes(content)
    with pytest.raises(DataError, match=words):
        load_task("table", paths, path=str(tmp_path / "bad.csv"), target="a")


def test_blank_lines_bom_and_crlf_keep_the_line_numbers(tmp_path: Path, paths: Paths) -> None:
    lines = ["a,label"] + [f"{i},{'xy'[i % 2]}" for i in range(30)]
    lines.insert(4, "")
    lines[10] = "3.5,"
    (tmp_path / "own.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    with pytest.raises(DataError, match=r"own.csv line 11: 'label' is empty"):
        load_task("table", paths, path=str(tmp_path / "own.csv"), target="label")


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_line_breaks_in_cells_keep_the_line_numbers(end: str, tmp_path: Path, paths: Paths) -> None:
    lines = ["a,note,label"]
    begins = []
    for i in range(30):
        begins.append(len(lines) + 1)
        note = ['"two', 'lines"'] if i % 3 == 0 else [['5" pipe', '"so ""called"""', ""][i % 3]]
        lines += f"{i},{'#'.join(note)},{'xy'[i % 2]}".split("#")
        lines += [""] if i == 7 else []
    (tmp_path / "own.csv").write_bytes(end.join(lines).encode())
    (tmp_path / "own.csv.gz").write_bytes(gzip.compress(end.join(lines).encode()))
    for name in ("own.csv", "own.csv.gz"):
        task = load_task("table", paths, path=str(tmp_path / name), target="label", ignore=["note"])
        assert task.places is not None
        assert sorted(task.places) == begins


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Rows of a table with observed labels only, and the table."""
    folder = tmp_path_factory.mktemp("own")
    path = written(folder)
    for method in ("erm", "mae"):
        row = run_cell(
            f"table(path={path},target=price,problem=regression,ignore=[given,right,right_price])", "recorded", method, trainer="smoke", results=folder
        )
        assert row.status == "ok", row.error
    return folder, Path(path)


def test_a_row_of_observed_labels_claims_nothing_else(results: tuple[Path, Path]) -> None:
    rows = list(Store(results[0]).rows())
    for row in rows:
        assert row.noise_stats == {"test_labels": "observed"}
        assert not [name for name in row.metrics if "memorization" in name or "clean_val" in name or "detection" in name]
        assert {"test/last/mae", "test/noisy_val/mae"} <= set(row.metrics)
        assert list(row.provenance["files"]) == [str(results[1])]
        assert json.dumps(row.config["task"]["path"]) in json.dumps(row.config)
    found = compute(rows)
    assert set(found.cells["test_labels"]) == {"observed"}
    assert any("recorded, scored on observed labels" in part.title for part in sections(found))


def cell_of(row: Row, path: Path) -> Cell:
    """Return the cell that the command line would make of a row's entries today, with the file at ``path``."""
    task = row.labels["task"].replace(row.config["task"]["path"], str(path))
    (cell,) = expand([{axis: row.labels[axis] for axis in AXES} | {"task": task}], {}, {}, []).cells
    return cell


def test_a_changed_file_is_another_cell_and_a_moved_one_is_not(results: tuple[Path, Path], tmp_path: Path) -> None:
    folder, path = results
    row = next(iter(Store(folder).rows()))
    assert cell_of(row, path).id == row.cell
    assert not pending([cell_of(row, path)], [row.seed], Store(folder), "skip")
    moved = tmp_path / "renamed.csv"
    moved.write_bytes(path.read_bytes())
    assert cell_of(row, moved).id == row.cell
    moved.write_text(path.read_text().replace("red", "blue"))
    assert cell_of(row, moved).id != row.cell
    assert pending([cell_of(row, moved)], [row.seed], Store(folder), "skip")
    namesake = tmp_path / "elsewhere" / path.name
    namesake.parent.mkdir()
    namesake.write_text(path.read_text().replace("red", "green"))
    assert cell_of(row, namesake).id not in (row.cell, cell_of(row, moved).id)
