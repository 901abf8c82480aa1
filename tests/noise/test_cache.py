"""The cache of corrupted labels: found again, checked on every load, and named by all that decides it."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.tiny import make_task

from benchmark.config import identity
from benchmark.config.build import load
from benchmark.config.registry import plugin
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError
from benchmark.core.paths import ROOT
from benchmark.core.types import Corruption, Examples, Task
from benchmark.data.problems import Multiclass, MultiLabel
from benchmark.noise.cache import corrupt, pool_of

SYMMETRIC = load("noise", "symmetric", rate=0.4)


def files(cache: Path) -> list[Path]:
    return sorted((cache / "noise").glob("*.npz"))


def key(task: Task, config: Any, seed: int, cache: Path) -> str:
    """Name of the file that a request makes."""
    before = set(files(cache)) if (cache / "noise").is_dir() else set()
    corrupt(task, config, seed, cache)
    made = set(files(cache)) - before
    assert len(made) <= 1
    return made.pop().stem if made else "known"


def assert_equal(a: Corruption, b: Corruption) -> None:
    for field in fields(Corruption):
        x, y = getattr(a, field.name), getattr(b, field.name)
        assert (x is None) == (y is None)
        if isinstance(x, dict):
            assert x == y
        elif x is not None:
            assert x.dtype == y.dtype
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("problem", "noise"), [("multiclass", "symmetric"), ("multilabel", "label_flip"), ("tagging", "symmetric"), ("regression", "gaussian")]
)
def test_a_hit_returns_equal_arrays_and_builds_nothing(problem: str, noise: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task, config = make_task(problem), load("noise", noise)
    made, manifest = corrupt(task, config, 3, tmp_path)
    monkeypatch.setattr("benchmark.core.artifacts._write", lambda *_: pytest.fail("it was built again"))
    found, read = corrupt(task, config, 3, tmp_path)
    assert_equal(found, made)
    assert read == manifest


def test_manifest_says_what_was_made(tmp_path: Path) -> None:
    made, manifest = corrupt(make_task("multiclass"), SYMMETRIC, 3, tmp_path)
    (path,) = files(tmp_path)
    assert json.loads(path.with_suffix(".json").read_text()) == manifest
    recipe = manifest["recipe"]
    assert recipe == {"noise": {"name": "symmetric", "version": 1, "with": {"rate": 0.4}}, "seed": 3, "kind": "categorical"}
    assert manifest["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest["nominal_rate"] == 0.4
    assert manifest["observed"] == digest(made.observed)


def test_two_builders_write_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        corrupt(make_task("tagging"), SYMMETRIC, 0, tmp_path / name)
    (a,), (b,) = files(tmp_path / "a"), files(tmp_path / "b")
    assert a.name == b.name
    assert a.read_bytes() == b.read_bytes()
    assert a.with_suffix(".json").read_bytes() == b.with_suffix(".json").read_bytes()
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("position", [0, 100, -1])
def test_one_altered_byte_is_found_and_the_labels_are_built_again(position: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    task = make_task("multiclass")
    made, _ = corrupt(task, SYMMETRIC, 0, tmp_path)
    (path,) = files(tmp_path)
    good = path.read_bytes()
    altered = bytearray(good)
    altered[position] ^= 1
    path.write_bytes(bytes(altered))
    with caplog.at_level(logging.WARNING):
        found, _ = corrupt(task, SYMMETRIC, 0, tmp_path)
    assert [str(path) in record.getMessage() and "altered" in record.getMessage() for record in caplog.records] == [True]
    assert_equal(found, made)
    assert path.read_bytes() == good
    caplog.clear()
    corrupt(task, SYMMETRIC, 0, tmp_path)
    assert not caplog.records


@pytest.mark.parametrize("damage", ["truncated", "empty", "manifest of another", "manifest is no json", "no manifest"])
def test_damaged_files_are_built_again(damage: str, tmp_path: Path) -> None:
    task = make_task("multiclass")
    made, _ = corrupt(task, SYMMETRIC, 0, tmp_path)
    (path,) = files(tmp_path)
    good, manifest = path.read_bytes(), path.with_suffix(".json")
    if damage == "truncated":
        path.write_bytes(good[:-20])
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "manifest of another":
        manifest.write_text(json.dumps({"sha256": "0" * 64}))
    elif damage == "manifest is no json":
        manifest.write_text('{"sha256": "0')
    else:
        manifest.unlink()
    found, _ = corrupt(task, SYMMETRIC, 0, tmp_path)
    assert_equal(found, made)
    assert path.read_bytes() == good
    assert json.loads(manifest.read_text())["sha256"] == hashlib.sha256(good).hexdigest()


def test_key_depends_on_labels_seed_and_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_task("multiclass")
    y = task.train.y.copy()
    y[5] = (y[5] + 1) % 4
    unknown = task.train.y.copy()
    unknown[5] = -1
    keys = [
        key(task, SYMMETRIC, 0, tmp_path),
        key(task, SYMMETRIC, 1, tmp_path),
        key(task, load("noise", "symmetric", rate=0.41), 0, tmp_path),
        key(task, load("noise", "pairflip", rate=0.4), 0, tmp_path),
        key(replace(task, train=Examples(task.train.x, y)), SYMMETRIC, 0, tmp_path),
        key(replace(task, train=Examples(task.train.x, unknown)), SYMMETRIC, 0, tmp_path),
    ]
    monkeypatch.setattr(identity, "plugin", lambda axis, target: replace(plugin(axis, target), version=2))
    keys.append(key(task, SYMMETRIC, 0, tmp_path))
    assert len(set(keys)) == len(keys)
    assert "known" not in keys


def test_key_leaves_inputs_test_set_and_name_out(tmp_path: Path) -> None:
    task = make_task("multiclass")
    corrupt(task, SYMMETRIC, 0, tmp_path)
    other = replace(task, name="another", train=Examples(task.train.x + 1, task.train.y), test=task.train)
    assert key(other, SYMMETRIC, 0, tmp_path) == "known"


def test_key_depends_on_the_annotations_of_recorded_noise(tmp_path: Path) -> None:
    task = make_task("multiclass")
    a, b = (task.train.y + 1) % 4, (task.train.y + 2) % 4
    recorded = load("noise", "recorded", set="a")
    for sets in ({"a": a, "b": b}, {"a": b, "b": a}):
        made, _ = corrupt(replace(task, annotations=sets), recorded, 0, tmp_path)
        np.testing.assert_array_equal(made.observed, sets["a"])


def test_sets_of_annotations_that_trade_names_are_told_apart(tmp_path: Path) -> None:
    task = make_task("multiclass")
    a, b = (task.train.y + 1) % 4, (task.train.y + 2) % 4
    recorded = load("noise", "recorded", set="a")
    corrupt(replace(task, annotations={"a": a, "b": b}), recorded, 0, tmp_path)
    made, _ = corrupt(replace(task, annotations={"b": a, "a": b}), recorded, 0, tmp_path)
    np.testing.assert_array_equal(made.observed, b)


def test_equal_label_numbers_of_other_classes_are_told_apart(tmp_path: Path) -> None:
    """Which classes a flip can reach depends on how many there are, and for mappings on their names."""
    task = make_task("multiclass")
    corrupt(task, SYMMETRIC, 0, tmp_path)
    more = replace(task, problem=Multiclass(list("abcdefgh")))
    made, _ = corrupt(more, SYMMETRIC, 0, tmp_path)
    assert made.transition is not None
    assert made.transition.shape == (1, 8, 8)
    assert made.observed.max() > 3


def test_equal_label_numbers_of_other_class_names_are_told_apart(tmp_path: Path) -> None:
    config = load("noise", "asymmetric", rate=1.0, mapping={"a": "b"})
    task = make_task("multiclass")
    corrupt(task, config, 0, tmp_path)
    made, _ = corrupt(replace(task, problem=Multiclass(list("cabd"))), config, 0, tmp_path)
    np.testing.assert_array_equal(made.observed, np.where(task.train.y == 1, 2, task.train.y))


def test_equal_label_numbers_of_another_layout_are_told_apart(tmp_path: Path) -> None:
    task = make_task("multilabel")
    config = load("noise", "label_flip")
    corrupt(task, config, 0, tmp_path)
    flat = Examples(task.train.x.repeat_interleave(3, dim=0), task.train.y.reshape(-1, 1))
    made, _ = corrupt(replace(task, problem=MultiLabel(["p"]), train=flat), config, 0, tmp_path)
    assert len(made.source) == len(flat)
    assert made.transition is not None
    assert made.transition.shape == (1, 2, 2)


def test_validation_examples_of_a_task_are_corrupted_too(tmp_path: Path) -> None:
    task = make_task("multiclass", train=120)
    with_val = replace(task, val=task.test)
    assert len(pool_of(with_val)) == len(task.train) + len(task.test)
    made, _ = corrupt(with_val, SYMMETRIC, 0, tmp_path)
    assert len(made.observed) == len(task.train) + len(task.test)
    assert (made.observed[len(task.train) :] != task.test.y).any()
    alone, _ = corrupt(task, SYMMETRIC, 0, tmp_path)
    np.testing.assert_array_equal(made.observed[: len(task.train)], alone.observed)


def test_noise_for_another_problem_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="serves multiclass, tagging; tiny-regression is regression"):
        corrupt(make_task("regression"), SYMMETRIC, 0, tmp_path)
    assert not list(tmp_path.rglob("*.npz"))


def test_builders_of_one_artefact_at_once_agree_on_one(tmp_path: Path) -> None:
    """Whoever comes first: every caller gets the same labels, and one whole file is left."""
    task, start = make_task("multiclass"), threading.Barrier(8)

    def build_it(_: int) -> tuple[Corruption, dict[str, Any]]:
        start.wait()
        return corrupt(task, SYMMETRIC, 0, tmp_path)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(build_it, range(8)))
    for other, manifest in made[1:]:
        assert_equal(other, made[0][0])
        assert manifest == made[0][1]
    (path,) = files(tmp_path)
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".json", ".npz"]
    assert hashlib.sha256(path.read_bytes()).hexdigest() == made[0][1]["sha256"]


def test_a_matrix_file_that_changes_changes_the_labels(tmp_path: Path) -> None:
    task, path = make_task("multiclass"), tmp_path / "matrix.npy"
    seen = []
    for shift in (1, 2):
        np.save(path, np.roll(np.eye(4), shift, axis=1))
        made, _ = corrupt(task, load("noise", "transition", matrix=str(path)), 0, tmp_path)
        seen.append((made.observed - task.train.y) % 4)
    assert [set(step) for step in seen] == [{1}, {2}]


def test_words_reach_the_gazetteer_and_dense_inputs_do_not(tmp_path: Path) -> None:
    whole, part = (corrupt(make_task("tagging"), load("noise", "gazetteer", coverage=c, mistaken=0.0), 0, tmp_path)[0] for c in (1.0, 0.4))
    assert np.array_equal(whole.observed, whole.clean)  # type: ignore[arg-type]  # in this task the word decides
    assert 0 < (part.observed != part.clean).mean() < 0.5
    task = make_task("tagging")
    dense = replace(task, train=Examples(torch.zeros(160, 6), task.train.y))
    with pytest.raises(ConfigError, match="looks words up, and the inputs of tiny-tagging are no words"):
        corrupt(dense, load("noise", "gazetteer"), 0, tmp_path)


@pytest.mark.slow
def test_two_processes_that_build_one_artefact_at_once_leave_one(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from support.tiny import make_task; from benchmark.noise.cache import corrupt\n"
        "task = make_task('multiclass'); print('ready', flush=True); sys.stdin.readline()\n"
        f"print(corrupt(task, {dict(SYMMETRIC)!r}, 0, Path({str(tmp_path)!r}))[1]['sha256'])"
    )
    place: dict[str, Any] = {"cwd": ROOT / "tests", "stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    builders = [subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": str(ROOT)}, **place) for _ in range(2)]
    for builder in builders:
        assert builder.stdout is not None
        assert builder.stdout.readline() == "ready\n"
    for builder in builders:
        assert builder.stdin is not None
        builder.stdin.write("\n")
        builder.stdin.flush()
    found = [builder.communicate()[0].strip() for builder in builders]
    (path,) = files(tmp_path)
    assert found == [hashlib.sha256(path.read_bytes()).hexdigest()] * 2
    assert sorted(p.suffix for p in path.parent.iterdir()) == [".json", ".npz"]
