"""What every task must do, found through conf/task: a new yaml is tested without an edit here.

Tasks over a user's own files run on the files that ``ownfiles`` writes; tasks whose data are not on this machine are skipped.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from support.ownfiles import WRITERS

from benchmark.api import load_noise, load_task
from benchmark.commands.catalog import describe
from benchmark.config.build import load_task_arguments, option
from benchmark.config.grid import default_model
from benchmark.config.registry import names, raw
from benchmark.core.digests import digest
from benchmark.core.errors import DataError
from benchmark.core.paths import ROOT, Paths
from benchmark.core.types import Task
from benchmark.data.problems import PROBLEMS
from benchmark.data.splits import assemble
from benchmark.noise.base import Context
from benchmark.noise.cache import pool_of
from benchmark.noise.streams import Streams

TASKS = names("task")
OWN = [name for name in TASKS if "path" in option("task", name)]
FIRST = {name: 600 for name in TASKS if "rows" in load_task_arguments(option("task", name))}  # examples of tasks that can load some alone
Loaded = Callable[[str], Task]


def fresh(name: str, folder: Path) -> Task:
    """Load a task from its yaml, or skip if its data are not here."""
    options = {"rows": FIRST[name]} if name in FIRST else {}
    if name in WRITERS:
        (folder / name).mkdir(exist_ok=True)
        options = WRITERS[name](folder / name)
    try:
        return load_task(name, Paths.default(cache=str(folder / "cache")), **options)
    except DataError as error:
        if name in WRITERS:
            raise
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """Each task once."""
    folder = tmp_path_factory.mktemp("tasks")
    return functools.cache(lambda name: fresh(name, folder))


def rows(x: torch.Tensor) -> set[bytes]:
    return {row.tobytes() for row in x.numpy()}


@pytest.mark.parametrize("name", TASKS)
def test_yaml_and_task_agree(name: str, loaded: Loaded) -> None:
    task, config = loaded(name), raw("task", name)
    assert config["problem"] in PROBLEMS
    assert {"inputs", "subset", "rows"} <= set(config)
    assert default_model(name) in names("model")
    assert task.problem.name == config["problem"]
    x = task.train.x
    kinds = {
        "vector": x.is_floating_point() and x.dim() == 2,
        "image": (x.is_floating_point() or x.dtype == torch.uint8) and x.dim() == 4,
        "tokens": x.dtype == torch.int64 and x.dim() == 3,
    }
    assert kinds[config["inputs"]]
    assert task.test.x.shape[1:] == x.shape[1:]
    assert task.test.x.dtype == x.dtype
    assert not x.is_floating_point() or bool(torch.isfinite(x).all() and torch.isfinite(task.test.x).all())


@pytest.mark.parametrize("name", TASKS)
def test_labels_are_in_range(name: str, loaded: Loaded) -> None:
    task = loaded(name)
    pool = pool_of(task)
    for y in (pool.y, task.test.y, *task.annotations.values()):
        labels = task.problem.labels(y)
        assert labels.width == task.problem.width
        assert labels.live.any()
        value = labels.value[labels.live]
        if labels.kind == "continuous":
            assert np.ptp(value) > 0
        else:
            assert (value.min(), value.max() < labels.num_classes) == (0, True)
            assert len(np.unique(value)) > 1
    assert len(pool) == len(pool.x)
    assert all(len(given) == len(pool) for given in task.annotations.values())
    assert task.groups is None or len(task.groups) == len(task.train)


@pytest.mark.parametrize("name", TASKS)
def test_a_second_load_gives_the_same_task(name: str, loaded: Loaded, tmp_path: Path) -> None:
    first, second = loaded(name), fresh(name, tmp_path)
    for a, b in ((first.test, second.test), (first.train, second.train)):
        assert digest(a.x, a.y) == digest(b.x, b.y)


@pytest.mark.parametrize("name", TASKS)
def test_the_test_part_is_set_aside_for_good(name: str, loaded: Loaded) -> None:
    """No input is on two sides of a split, but for published ones, which are kept as they are; the seed moves validation only."""
    task = loaded(name)
    published = "published_split" in yaml.safe_load((ROOT / "tasks" / name / "card.yaml").read_text(encoding="utf8"))
    pool, labels = pool_of(task), task.problem.labels(pool_of(task).y)
    assert published or not rows(pool.x) & rows(task.test.x)
    made = load_noise("clean")(labels, Streams(labels, 0), Context())
    held = []
    for seed in (0, 1):
        data, truth = assemble(task, pool, made, seed=seed)
        assert truth.test is task.test
        assert len(data.train) + len(data.val) == len(pool)
        assert (published and task.val is not None) or not rows(data.train.x) & rows(data.val.x)
        held.append(digest(data.val.x))
    assert task.val is not None or held[0] != held[1]


@pytest.mark.parametrize("name", OWN)
def test_a_users_examples_are_found_again(name: str, loaded: Loaded) -> None:
    task = loaded(name)
    assert task.places is not None
    assert len(task.places) in (len(task.train), len(task.train) + len(task.test))
    assert task.places.shape[1:] in ((), task.train.y.shape[1:])
    assert task.files
    assert all(len(value) == 64 for value in task.files.values())
    assert "observed" in task.annotations or task.answers is not None
    assert option("task", name)["path"] is None


@pytest.mark.parametrize("name", TASKS)
def test_a_card_tells_where_it_comes_from(name: str, loaded: Loaded, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ROOT / "tasks" / name
    card = yaml.safe_load((folder / "card.yaml").read_text(encoding="utf8"))
    for key in ("title", "source", "licence", "problem", "size", "description", "noise", "developed_on"):
        assert card.get(key), f"tasks/{name}/card.yaml lacks {key}"
    assert raw("task", name)["problem"] in card["problem"]
    assert (folder / "README.md").read_text(encoding="utf8").startswith(f"# {name}\n")
    assert describe([name]) == 0
    assert card["title"] in capsys.readouterr().out
    if isinstance(card["size"], dict):
        task, size = loaded(name), card["size"]
        assert len(pool_of(task)) == min(size["train"], FIRST.get(name, size["train"]))
        assert len(task.test) == size["test"] or (name in FIRST and len(task.test) < size["test"])
