"""Tasks with numbers as targets, on small files in the formats of their sources."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from benchmark.api import load_task
from benchmark.api import run as run_cell
from benchmark.core.errors import DataError, UserError
from benchmark.core.paths import Paths
from benchmark.core.types import Task


def table(size: int = 60) -> pd.DataFrame:
    """Inputs x0, x1, kind and a target y; the last two rows repeat the inputs of the first two."""
    rng = np.random.default_rng(7)
    frame = pd.DataFrame({"x0": rng.normal(size=size), "x1": rng.normal(size=size), "kind": rng.choice(["a", "b"], size)})
    frame.loc[size - 2 :, ["x0", "x1", "kind"]] = frame.loc[:1, ["x0", "x1", "kind"]].to_numpy()
    return frame.assign(y=10 + 3 * frame["x0"].astype(float) + rng.normal(size=size))


def inputs(task: Task, *parts: str) -> list[bytes]:
    return [row.tobytes() for part in parts for row in getattr(task, part).x.numpy()]


@pytest.fixture
def uci(paths: Paths) -> Path:
    (paths.data / "uci").mkdir(parents=True)
    return paths.data / "uci"


def test_uci_reads_a_csv_by_name_and_keeps_duplicates_together(paths: Paths, uci: Path) -> None:
    table().to_csv(uci / "mine.csv", index=False)
    task = load_task("uci", paths, table="mine")
    assert (task.name, task.clean, task.problem.names) == ("uci-mine", True, ("y",))
    assert len(task.train) + len(task.test) == 60
    assert not set(inputs(task, "train")) & set(inputs(task, "test"))
    assert len(set(inputs(task, "train", "test"))) == 58
    assert task.groups is not None
    assert len(set(task.groups)) == len(set(inputs(task, "train")))


def written(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Path], None]:
    return lambda file: change(table()).to_csv(file, index=False)


def ragged(file: Path) -> None:
    lines = table().to_csv(index=False).splitlines()
    lines[5] = lines[5].rpartition(",")[0]
    file.write_text("\n".join(lines))


BAD: dict[str, tuple[Callable[[Path], None], dict[str, Any], str]] = {
    "NaN target": (written(lambda t: t.assign(y=t["y"].mask(t.index == 3))), {}, r"mine.csv line 5: 'y' is nan, no finite number \(1 such rows\)"),
    "infinite target": (written(lambda t: t.assign(y=t["y"].mask(t.index == 3, np.inf))), {}, r"mine.csv line 5: 'y' is inf, no finite number"),
    "constant target": (written(lambda t: t.assign(y=2.0)), {}, r"'y' is always 2: nothing can be learned"),
    "few rows": (written(lambda t: t[:12]), {}, r"has 12 rows: training, validation and test need at least 20"),
    "a cell too few": (ragged, {}, r"mine.csv line 6: 'y' is nan"),
    "missing column": (written(lambda t: t), {"target": "z"}, r"has no column 'z' \(task.target\): .*choices: kind, x0, x1, y"),
    "no input": (written(lambda t: t[["y"]]), {}, r"has no input column beside y"),
    "no such table": (written(lambda t: t), {"table": "mien"}, r"task.table=mien: .*mien.csv is missing: did you mean 'mine'"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_tables_are_one_line(name: str, paths: Paths, uci: Path) -> None:
    write, options, words = BAD[name]
    write(uci / "mine.csv")
    with pytest.raises(UserError, match=words) as caught:
        load_task("uci", paths, **({"table": "mine"} | options))
    assert "\n" not in str(caught.value)


def test_no_folder_of_tables_says_what_to_do(paths: Paths) -> None:
    with pytest.raises(DataError, match=r"put csv files with a header line and the target in the last column into"):
        load_task("uci", paths, table="concrete")


@pytest.mark.parametrize("method", ["erm", "coteaching", "confrag"])
def test_a_batch_larger_than_the_table_and_five_distinct_targets_run(
    method: str, paths: Paths, uci: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Policy: the whole table is one batch, and five values are a scale like any other."""
    table().assign(y=np.arange(60) % 5).to_csv(uci / "stars.csv", index=False)
    monkeypatch.setenv("LABELNOISE_DATA", str(paths.data))
    row = run_cell(
        "uci(table=stars)", "uniform_resample(rate=0.2)", method, trainer="smoke(epochs=3,batch_size=512,reference_folds=0)", results=tmp_path / "rows"
    )
    assert row.status == "ok", row.error
    assert np.isfinite(row.metrics["test/last/mae"])


def test_a_level_that_only_the_test_part_has_is_no_level(paths: Paths, uci: Path) -> None:
    """The only row of a level is set aside sooner or later: its inputs are then all zeros for that column."""
    for i in range(60):
        frame = table()
        frame.loc[i, "kind"] = "new"
        frame.to_csv(uci / "levels.csv", index=False)
        task = load_task("uci", paths, table="levels")
        if task.train.x.shape[1] == 4:  # x0, x1, a, b
            assert (task.test.x[:, 2:].sum(1) == 0).sum() == 1
            return
    pytest.fail("no row was set aside")


def picture(file: Path, value: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((6, 5, 3), value, dtype=np.uint8)).save(file)


def test_age_from_features_and_from_crops(paths: Paths, tmp_path: Path) -> None:
    features = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 4)), columns=list("abcd")).assign(age=np.arange(50))
    features.to_parquet(tmp_path / "f.parquet")
    ready = load_task("age", paths, source=str(tmp_path / "f.parquet"))
    assert ready.train.x.shape == (40, 4)
    for i in range(40):
        picture(tmp_path / "faces" / f"{i}.png", 5 * (i % 35))  # the last five are copies of the first
    pd.DataFrame({"path": [f"{i}.png" for i in range(40)], "age": np.arange(40) + 1}).to_csv(tmp_path / "faces" / "ages.csv", index=False)
    crops = load_task("age", paths, source=str(tmp_path / "faces" / "ages.csv"), size=4)
    assert crops.train.x.shape[1:] == (3, 4, 4)
    assert crops.train.x.dtype == torch.uint8
    assert not set(inputs(crops, "train")) & set(inputs(crops, "test"))
    features.drop(columns="age").to_parquet(tmp_path / "none.parquet")
    with pytest.raises(DataError, match="has no column 'age'"):
        load_task("age", paths, source=str(tmp_path / "none.parquet"))


def test_diabetes_is_embedded(paths: Paths) -> None:
    task = load_task("diabetes", paths)
    assert (len(task.train), len(task.test)) == (354, 88)
    y = np.concatenate([task.train.y, task.test.y])
    assert (y.min(), y.max()) == (25.0, 346.0)


def songs(size: int = 700) -> np.ndarray:
    rng = np.random.default_rng(2)
    return np.column_stack([np.where(np.arange(size) < 600, 2001, 1970 + np.arange(size) % 20), rng.normal(size=(size, 90)).round(3)])


def test_year_is_the_text_file_of_uci_with_the_authors_split(paths: Paths) -> None:
    (paths.data / "year").mkdir(parents=True)
    file = paths.data / "year" / "YearPredictionMSD.txt"
    found = songs()
    found[690] = found[0]  # a test song that is also the first of training
    np.savetxt(file, found, delimiter=",", fmt="%g")
    full = load_task("year", paths, train=650)
    assert (len(full.train), len(full.test)) == (649, 50)
    balanced = load_task("year", paths, train=650, variant="balanced")
    assert np.unique(np.concatenate([balanced.train.y, balanced.test.y]), return_counts=True)[1].max() in (549, 550)  # less the doubled song
    assert balanced.train.x.abs().max() <= 5
    assert balanced.train.x.median(0).values.abs().max() < 0.1
    with pytest.raises(DataError, match=r"has 700 songs, the authors' training part alone has 463715"):
        load_task("year", paths)
    file.write_text("2001,1,2\n1999,3,4\n")
    with pytest.raises(DataError, match=r"has 3 columns"):
        load_task("year", paths)
    file.unlink()
    with pytest.raises(DataError, match=r"YearPredictionMSD.txt is missing: unpack"):
        load_task("year", paths)


def test_imdb_clean_in_three_lists_and_as_the_balanced_list(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    base = paths.data / "imdb_clean"
    with pytest.raises(DataError, match=r"imdb_train_new_1024.csv is missing: make it with the scripts"):
        load_task("imdb_clean", paths, size=4)
    for i in range(70):
        picture(base / "imdb-clean-1024" / "00" / f"{i}.jpg", 3 * i)
    picture(base / "imdb-clean-1024" / "00" / "3.jpg", 3 * 65)  # a training face that is in the test part
    rows = pd.DataFrame({"filename": [f"00/{i}.jpg" for i in range(70)], "age": 20 + 20 * (np.arange(70) % 2), "gender": "F"})
    for part, at in (("train", slice(0, 30)), ("valid", slice(30, 50)), ("test", slice(50, 70))):
        rows[at].to_csv(base / f"imdb_{part}_new_1024.csv", index=False)
    task = load_task("imdb_clean", paths, size=4)
    assert task.val is not None
    assert (len(task.train), len(task.val), len(task.test)) == (29, 20, 20)
    assert set(task.train.y) == {20.0, 40.0}
    monkeypatch.setattr("tasks.imdb_clean.MOST", 25)
    drawn = load_task("imdb_clean", paths, size=4, variant="balanced")
    assert drawn.val is not None
    assert 45 < sum(map(len, (drawn.train, drawn.val, drawn.test))) <= 50
    listed = rows.rename(columns={"filename": "path"}).assign(split=["train", "val", "test", "test", "train"] * 14)
    listed["path"] = "imdb-clean-1024/" + listed["path"]
    listed.to_csv(base / "imdb_clean_balanced_cnt1000.csv", index=False)
    theirs = load_task("imdb_clean", paths, size=4, variant="balanced")
    assert theirs.val is not None
    assert (len(theirs.val), len(theirs.test)) == (14, 28)
    listed.assign(split="dev").to_csv(base / "imdb_clean_balanced_cnt1000.csv", index=False)
    with pytest.raises(DataError, match=r"line 2: split is 'dev': it has to be train, val or test"):
        load_task("imdb_clean", paths, size=4, variant="balanced")


def test_afad_as_a_folder_and_as_the_balanced_list(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    base = paths.data / "afad" / "AFAD-Full"
    with pytest.raises(DataError, match=r"holds no image <age>/<111 or 112>/\*.jpg"):
        load_task("afad", paths, size=4)
    for i in range(50):
        picture(base / str(20 + i % 2) / ("111", "112")[i % 3 == 0] / f"{i}.jpg", 5 * i)
    task = load_task("afad", paths, size=4)
    assert (len(task.train), len(task.test), set(task.train.y)) == (40, 10, {20.0, 21.0})
    monkeypatch.setattr("tasks.afad.MOST", 15)
    drawn = load_task("afad", paths, size=4, variant="balanced")
    assert np.unique(np.concatenate([drawn.train.y, drawn.test.y]), return_counts=True)[1].tolist() == [15, 15]
    paths_of = sorted(path.relative_to(base).as_posix() for path in base.glob("*/*/*"))
    listed = pd.DataFrame({"path": paths_of, "age": [int(path[:2]) for path in paths_of], "split": ["train", "train", "train", "val", "test"] * 10})
    listed.to_csv(base / "afad_balanced_1251.csv", index=False)
    theirs = load_task("afad", paths, size=4, variant="balanced")
    assert theirs.val is not None
    assert (len(theirs.train), len(theirs.val), len(theirs.test)) == (30, 10, 10)


def test_shift15m_as_published_and_as_the_balanced_files(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    base = paths.data / "shift15m"
    with pytest.raises(DataError, match=r"iqon_outfits.json is missing: download it"):
        load_task("shift15m", paths)
    (base / "features").mkdir(parents=True)
    rng = np.random.default_rng(3)
    for i in range(40):
        with gzip.open(base / "features" / f"{i}.json.gz", "wt") as file:
            json.dump(rng.normal(size=6).tolist(), file)
    outfits = [{"set_id": k, "items": [{"item_id": i % 40, "price": 1000 * (1 + i % 4) + 500} for i in (3 * k, 3 * k + 1, 3 * k + 2)]} for k in range(14)]
    (base / "iqon_outfits.json").write_text(json.dumps(outfits))
    task = load_task("shift15m", paths)
    assert (len(task.train), len(task.test)) == (32, 8)
    assert set(np.concatenate([task.train.y, task.test.y])) == {1.5, 2.5, 3.5, 4.5}
    assert torch.allclose(task.train.x.mean(0), torch.zeros(6), atol=1e-5)
    monkeypatch.setattr("tasks.shift15m.MOST", 6)
    drawn = load_task("shift15m", paths, variant="balanced")
    assert np.unique(np.concatenate([drawn.train.y, drawn.test.y]), return_counts=True)[1].tolist() == [6] * 4
    stem = "item_price_bal_2000_16084_40000_"
    for part, size in (("train", 30), ("val", 20), ("test", 20)):
        pd.DataFrame({"price": 1000 + np.arange(size)}).to_csv(base / f"{stem}{part}.csv", index=False)
        np.save(base / f"{stem}{part}.npy", rng.normal(size=(size, 6)).astype(np.float32))
    theirs = load_task("shift15m", paths, variant="balanced")
    assert theirs.val is not None
    assert (len(theirs.train), len(theirs.val), len(theirs.test), theirs.test.y[0]) == (30, 20, 20, 1.0)
    np.save(base / f"{stem}val.npy", rng.normal(size=(19, 6)).astype(np.float32))
    with pytest.raises(DataError, match=re.escape("has 20 prices, its features have 19 rows")):
        load_task("shift15m", paths, variant="balanced")
    (base / f"{stem}val.npy").unlink()
    with pytest.raises(DataError, match=r"_val.h5 is missing, and so is the same as .npy"):
        load_task("shift15m", paths, variant="balanced")
