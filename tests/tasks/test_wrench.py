"""Texts with labelling functions in WRENCH's layout: votes, what nobody voted on, and the traps of public copies."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.ownfiles import wrench_examples, write_wrench

from benchmark.api import load_noise, load_task
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.paths import Paths
from benchmark.core.types import Corruption, Task
from benchmark.data.splits import assemble
from benchmark.noise.cache import context_for, pool_of
from benchmark.noise.streams import Streams


def noisy(task: Task, name: str, **options: Any) -> Corruption:
    noise, pool = load_noise(name, **options), pool_of(task)
    labels = task.problem.labels(pool.y)
    made: Corruption = noise(labels, Streams(labels, 0), context_for(noise, task, pool))
    return made


def task_of(folder: Path, **options: Any) -> Task:
    return load_task("wrench", Paths.default(cache=str(folder / "cache")), **write_wrench(folder), **options)


def test_a_text_that_nobody_votes_on_is_unlabelled(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    made = noisy(task, "votes")
    votes = np.array([example["weak_labels"] for part in ("train", "valid") for example in json.loads((tmp_path / f"{part}.json").read_text()).values()])
    silent = (votes < 0).all(1)
    assert 0 < silent.sum() < len(silent)
    assert ((made.observed < 0) == silent).all()
    one = votes.max(1) == np.where(votes < 0, 9, votes).min(1)  # all votes name one class
    np.testing.assert_array_equal(made.observed[one], votes.max(1)[one])
    data, truth = assemble(task, pool_of(task), made, seed=0)
    assert int(data.train.taught.sum()) == (~silent[:120]).sum()
    assert truth.y_val_clean is not None
    assert (truth.y_val_clean >= 0).all()


def test_a_single_function_is_a_set(tmp_path: Path) -> None:
    task = task_of(tmp_path)
    found = noisy(task, "recorded", set="lf_2").observed
    assert set(found) == {-1, 1}
    with pytest.raises(ConfigError, match="did you mean 'lf_"):
        noisy(task, "recorded", set="lf2")


def test_entities_are_words_and_a_language_model_is_a_set(tmp_path: Path) -> None:
    def marked(examples: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        for at, example in enumerate(examples.values()):
            example["data"] |= {"entity1": "Left Bank", "entity2": ("cup", "key")[at % 2]}
            example["llm_label"] = at % 3 if at else -1
        return examples

    parts = {name: marked(wrench_examples(60, seed)) for seed, name in enumerate(("train", "valid", "test"))}
    task = load_task("wrench", Paths.default(cache=str(tmp_path)), **write_wrench(tmp_path, **parts))
    assert noisy(task, "recorded", set="llm").observed[:5].tolist() == [-1, 1, 2, 0, 1]
    plain = {name: wrench_examples(60, seed) for seed, name in enumerate(("train", "valid", "test"))}
    other = load_task("wrench", Paths.default(cache=str(tmp_path)), **write_wrench(tmp_path, **plain))
    assert task.train.x.shape[1] > other.train.x.shape[1]
    assert not torch.equal(task.train.x[0], task.train.x[1])


def test_vocabulary_and_rarity_come_from_training_texts_alone(tmp_path: Path) -> None:
    before = task_of(tmp_path)
    strange = wrench_examples(40, 2)
    for example in strange.values():
        example["data"]["text"] += " unheard unheard"
    after = load_task("wrench", Paths.default(cache=str(tmp_path)), **write_wrench(tmp_path, test=strange))
    assert torch.equal(before.train.x, after.train.x)
    assert torch.equal(before.test.x, after.test.x)


def test_a_first_word_that_tells_the_class_is_named_and_dropped(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fine = wrench_examples(120, 2)
    clean = json.loads(json.dumps(fine))
    for at, example in enumerate(fine.values()):
        example["data"]["text"] = f"fine{example['label']}{at % 2} {example['data']['text']}"
    options = write_wrench(tmp_path, test=fine)
    with caplog.at_level(logging.WARNING, "tasks.wrench"):
        load_task("wrench", Paths.default(cache=str(tmp_path)), **options)
    assert "the first word of a text tells its class" in caplog.text
    assert "task.first_word=drop" in caplog.text
    repaired = load_task("wrench", Paths.default(cache=str(tmp_path)), **options, first_word="drop")
    right = load_task("wrench", Paths.default(cache=str(tmp_path)), **write_wrench(tmp_path, test=clean))
    assert torch.equal(repaired.test.x, right.test.x)


def test_votes_of_other_texts_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    mixed = wrench_examples(200, 1)
    votes = [example["weak_labels"] for example in mixed.values()]
    for example, other in zip(mixed.values(), [*votes[1:], votes[0]], strict=True):
        example["weak_labels"] = other
    options = write_wrench(tmp_path, valid=mixed)
    with caplog.at_level(logging.WARNING, "tasks.wrench"):
        load_task("wrench", Paths.default(cache=str(tmp_path)), **options)
    assert "its votes may belong to other texts; task.val=train" in caplog.text
    without = load_task("wrench", Paths.default(cache=str(tmp_path)), **options, val="train")
    assert without.val is None
    assert len(pool_of(without)) == 120


def broken(**changed: Any) -> dict[str, dict[str, Any]]:
    examples = wrench_examples(30, 0)
    examples["7"] |= changed
    return examples


@pytest.mark.parametrize(
    ("train", "text"),
    [
        (broken(weak_labels=[-1, 3, 0, 0, 0, 0]), "example 7: 3 is no class: label.json names 0 to 2"),
        (broken(label=-1), "example 7: -1 is no class"),
        (broken(label=True), "example 7: True is no class"),
        (broken(weak_labels=[0, 1]), "example 7: 2 votes, the first example has 6"),
        (broken(data={}), "example 7: label, weak_labels or data.text is missing"),
        (broken(data={"text": 3}), "example 7: label, weak_labels or data.text is missing"),
        ({}, "holds no examples"),
        (wrench_examples(1, 0), "1 texts"),
    ],
)
def test_a_file_that_is_wrong_is_one_line(train: dict[str, dict[str, Any]], text: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        load_task("wrench", Paths.default(cache=str(tmp_path)), **write_wrench(tmp_path, train=train))
    assert text in str(caught.value)
    assert "train.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def cut_off(folder: Path) -> None:
    (folder / "valid.json").write_text((folder / "valid.json").read_text()[:-40])


def lacking(folder: Path) -> None:
    (folder / "test.json").unlink()


def unnamed(folder: Path) -> None:
    (folder / "label.json").write_text('{"1": "a", "2": "b"}')


@pytest.mark.parametrize(
    ("damage", "text"), [(cut_off, "valid.json is no JSON"), (lacking, "test.json is missing"), (unnamed, "label.json does not name the classes 0, 1, ...")]
)
def test_a_folder_that_is_damaged_is_one_line(damage: Callable[[Path], None], text: str, tmp_path: Path) -> None:
    options = write_wrench(tmp_path)
    damage(tmp_path)
    with pytest.raises(DataError, match=text):
        load_task("wrench", Paths.default(cache=str(tmp_path)), **options)


def test_a_function_that_never_votes_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    silent = wrench_examples(120, 0)
    for example in silent.values():
        example["weak_labels"][4] = -1
    with caplog.at_level(logging.WARNING, "tasks.wrench"):
        load_task("wrench", Paths.default(cache=str(tmp_path)), **write_wrench(tmp_path, train=silent))
    assert "lf_4 never vote" in caplog.text
