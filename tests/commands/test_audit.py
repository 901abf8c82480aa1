"""Planted errors come first, whatever the task type, and the audit says where they stand."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from support import ownfiles

from benchmark.commands.audit import Opinion, audit, ranking, whole
from benchmark.core.errors import ConfigError
from benchmark.core.paths import PLUGINS
from benchmark.core.types import Corruption, Examples, Task
from benchmark.data.splits import assemble
from benchmark.methods.base import Fit
from benchmark.noise.cache import pool_of
from benchmark.running.conditions import Conditions
from benchmark.training.recipe import out_of_fold

Audit = Callable[..., pd.DataFrame]


@pytest.fixture(autouse=True)
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the command line does before it composes anything."""
    monkeypatch.syspath_prepend(PLUGINS)
    importlib.import_module("hydra_plugins.grid_sweeper")


@pytest.fixture
def audited(tmp_path: Path) -> Audit:
    """Run the command with a short trainer and read its file."""

    def of(task: str, *arguments: str) -> pd.DataFrame:
        folders = [f"paths.results={tmp_path}", f"paths.cache={tmp_path / 'cache'}"]
        assert audit([f"task={task}", "trainer=quick(epochs=12,batch_size=16)", *arguments, *folders]) == 0
        return pd.read_csv(tmp_path / "local" / "audit.csv", dtype={"given": str, "predicted": str}, keep_default_na=False)

    return of


def planted(size: int = ownfiles.ROWS, wrong: int = ownfiles.WRONG) -> set[int]:
    """Lines of the rows whose label is wrong."""
    return set(np.flatnonzero(np.arange(size) % (size // wrong) == 1) + 2)


def easy(folder: Path) -> Path:
    """The table without rows near the border of the classes, so that only planted errors can be doubted."""
    frame = ownfiles.table()
    frame["a"] += np.sign(frame["a"])
    frame.to_csv(folder / "shop.csv", index=False)
    return folder / "shop.csv"


def test_planted_classes_are_on_top(tmp_path: Path, audited: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    found = audited(f"table(path={easy(tmp_path)},target=given,ignore=[right,price,right_price])")
    assert sorted(found["example"]) == list(range(2, ownfiles.ROWS + 2))  # the rows of the test part too
    assert set(found["example"][: ownfiles.WRONG]) == planted()
    assert list(found) == ["rank", "example", "given", "predicted", "score", "agreement", "reason"]
    assert (found["given"] != found["predicted"])[: ownfiles.WRONG].all()
    assert set(found["agreement"][: ownfiles.WRONG]) == {"3/3"}
    assert set(found["agreement"][60:]) == {"0/3"}
    shown = capsys.readouterr().out
    assert "left out: huber supports continuous, table is categorical" in shown
    assert f"120 labels judged by erm, confident_learning, elr: {tmp_path / 'local' / 'audit.csv'}" in shown


def test_planted_targets_are_on_top_and_right_ones_give_a_precision(tmp_path: Path, audited: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    found = audited(f"table(path={easy(tmp_path)},target=price,clean=right_price,problem=regression,ignore=[right,given])")
    inside = planted() & set(found["example"])  # with right labels the test part has no observed ones
    assert len(found) == 96
    assert set(found["example"][: len(inside)]) == inside
    shown = capsys.readouterr().out
    assert f"{len(inside)} labels are wrong: 1.000 of the first {len(inside)} are, {len(inside) / 96:.3f} of all" in shown
    frame = ownfiles.table()
    assert np.allclose(found["right"], frame["right_price"].iloc[found["example"] - 2], atol=1e-3)
    assert found["reason"][0].endswith("robust standard deviations from the prediction")


def test_tokens_are_named_by_line(tmp_path: Path, audited: Audit) -> None:
    options = ownfiles.write_conll(tmp_path)
    found = audited(f"conll(path={options['path']})", "method=erm")
    lines = Path(options["path"]).read_text().split("\n")
    assert all(lines[line - 1].split(" ")[1] == given for line, given in zip(found["example"], found["given"], strict=True))
    missing = {i + 1 for i, line in enumerate(lines) if line.split(" ")[0] in ("Ann", "Lee", "Old", "Town") and line.endswith(" O")}
    assert len(missing) == 24
    assert len(missing & set(found["example"][:24])) >= 20
    assert set(found["token"]) == set(range(1, 7))
    for outside in (True, False):  # both kinds of given tags have a ranking of their own, in the order of the whole one
        mine = found["rank_given"][(found["given"] == "O") == outside]
        assert mine.tolist() == list(range(1, len(mine) + 1))


def test_pairs_are_named_by_label_and_unknown_ones_are_not_judged(tmp_path: Path, audited: Audit) -> None:
    easy(tmp_path)
    frame = pd.read_csv(tmp_path / "shop.csv")
    out = frame[["a", "b"]].assign(p=(frame["given"] == "yes").astype(int), q=(frame["b"] > 0).astype(int))
    out.loc[::10, "q"] = -1
    out.to_csv(tmp_path / "genes.csv", index=False)
    found = audited(f"multilabel(path={tmp_path / 'genes.csv'},labels=[p,q])", "method=erm,elr")
    assert len(found) == 2 * ownfiles.ROWS - 12
    top = found[: ownfiles.WRONG]
    assert len(planted() & set(top["example"][top["label"] == "p"])) >= ownfiles.WRONG - 1
    assert set(found["given"]) == {"0", "1"}


def test_methods_that_know_more_are_left_out(tmp_path: Path, audited: Audit, capsys: pytest.CaptureFixture[str]) -> None:
    task = f"table(path={easy(tmp_path)},target=given,clean=right,ignore=[price,right_price])"
    audited(task, "method=small_loss,gce", "trainer=smoke")
    assert "left out: SmallLoss needs noise_rate" in capsys.readouterr().out
    with pytest.raises(ConfigError, match="no method is left"):
        audited(task, "method=small_loss", "trainer=smoke")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "audit needs a task"),
        (["task=digits(subset=50)", "noise=symmetric"], "leave task.subset and task.rows out"),
        (["task=digits"], "noise.set=None is not recorded for this task"),
        (["task=digits,yeast"], "one task, noise, model and trainer at a time"),
    ],
)
def test_wrong_questions_are_one_line(arguments: list[str], words: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=words):
        audit([*arguments, "method=erm", "trainer=smoke", f"paths.results={tmp_path}", f"paths.cache={tmp_path / 'cache'}"])


def test_score_and_agreement_are_ranks(settings: dict[str, Conditions]) -> None:
    conditions = settings["multiclass"]
    size, k = len(conditions.data.train), conditions.data.problem.num_classes
    given = conditions.data.train.value.reshape(-1).numpy()
    folds = np.eye(k)[given]
    folds[[3, 5]] = np.roll(folds[[3, 5]], 1, axis=1)  # two labels are contradicted
    a, b = np.zeros(size), np.zeros(size)
    a[3], a[5], b[3], b[7] = 2, 1, 10, 5
    table, _ = ranking(conditions, {"a": [Opinion(a, folds)], "b": [Opinion(b, None)]})
    assert table["example"][0] == 3
    assert table["agreement"][0] == "2/2"
    assert table["score"][0] == 1
    assert dict(zip(table["example"], table["agreement"], strict=True))[7] == "1/2"
    assert (table["predicted"] != table["given"]).sum() == 2


def test_the_whole_task_adds_the_test_part_only_where_its_labels_are_observed(settings: dict[str, Conditions]) -> None:
    task: Task = settings["multiclass"].task
    size = len(task.train)
    assert len(whole(task).train) == size
    both = replace(task, annotations={"observed": task.train.y}, test_labels="observed", clean=False, places=np.arange(size + len(task.test)))
    found = whole(both)
    assert torch.equal(found.train.x, torch.cat([task.train.x, task.test.x]))
    assert found.val is not None
    assert len(found.annotations["observed"]) == len(found.train) + len(found.val)


def test_no_fold_is_judged_by_a_copy_of_its_examples(settings: dict[str, Conditions]) -> None:
    task = settings["multiclass"].task
    size, held = len(task.train), len(task.test)
    twins = torch.arange(held) // 2  # equal inputs in the test part
    test = Examples(task.test.x[twins], task.test.y)
    own = replace(task, test=test, groups=np.arange(size) // 3, annotations={"observed": task.train.y}, test_labels="observed", places=np.arange(size + held))
    made = whole(own)
    pool = pool_of(made)
    labels = np.concatenate([made.train.y, made.val.y])  # type: ignore[union-attr]
    data, _ = assemble(made, pool, Corruption(labels, np.arange(len(labels)), np.full(len(labels), -1), None), seed=0)
    assert data.groups is not None
    assert np.array_equal(np.unique(data.groups, return_inverse=True)[1], np.concatenate([np.arange(size) // 3, np.arange(held) // 2 + -(-size // 3)]))
    asked = []

    def fit(indices: np.ndarray, **named: Any) -> Fit:
        asked.append(indices)
        return Fit(lambda rows: torch.zeros(len(rows), 4), lambda rows: torch.zeros(len(rows), 4), torch.nn.Identity())

    out_of_fold(fit, data, 5, 0)  # type: ignore[arg-type]
    assert len(asked) == 5
    for seen in asked:
        judged = np.setdiff1d(np.arange(len(data.train)), seen)
        assert 0 < len(judged) <= len(data.train) / 5 + 3
        assert not set(data.groups[seen]) & set(data.groups[judged])
