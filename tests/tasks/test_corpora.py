"""Tasks over published corpora, on tiny files of the same form."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support import corpora
from support.tiny import make_conditions, make_examples, run

from benchmark.api import load_task
from benchmark.config.build import load
from benchmark.core.errors import UserError
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data.conll import iob2
from benchmark.data.splits import assemble
from benchmark.measures.evaluation import Evaluation
from benchmark.noise.cache import corrupt, pool_of
from tasks.noisebench.merge import blocks, patched


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("data")
    corpora.write_wikigold(data)
    corpora.write_noisyner(data)
    corpora.write_noisebench(data)
    return data


@pytest.fixture
def own(folder: Path, tmp_path: Path) -> Paths:
    """A copy that a test may break."""
    return Paths(shutil.copytree(folder, tmp_path / "data"), tmp_path / "results", tmp_path / "cache")


def tags(task: Task, y: np.ndarray) -> list[list[str]]:
    return [[task.problem.names[t] for t in row if t >= 0] for row in y]


def words(task: Task, x: np.ndarray) -> list[list[str]]:
    return [[task.surfaces[place] for place in row if place] for row in x[..., -1]]


def test_wikigold_has_distant_labels_and_votes(own: Paths) -> None:
    task, made = load_task("wikigold", own), corpora.write_wikigold(own.data / "again")
    assert [words(task, side.x.numpy()) for side in (task.train, task.test)] == [[tokens for tokens, _ in made[side]] for side in ("train", "test")]
    assert tags(task, task.train.y) == [given for _, given in made["train"]]
    assert tags(task, task.annotations["distant"]) == corpora.missing(made["train"])
    assert set(task.annotations) == {"distant", "short", "person", "majority", "dawid_skene"}
    persons = [list(iob2([tag if "PER" in tag else "O" for tag in given])) for _, given in made["train"]]
    assert tags(task, task.annotations["person"]) == persons
    short = [[tag if token[-1] in "01234" else "O" for token, tag in zip(*pair, strict=True)] for pair in made["train"]]
    union = [list(iob2([a if a != "O" else b for a, b in zip(*both, strict=True)])) for both in zip(short, persons, strict=True)]
    assert tags(task, task.annotations["majority"]) == union  # the two never contradict each other
    assert task.gold_val is not None
    assert tags(task, task.gold_val.y) == [given for _, given in made["valid"]]
    assert len(task.files) == 10
    shutil.rmtree(own.data / "wikigold" / "wrench")
    assert set(load_task("wikigold", own).annotations) == {"distant"}


def test_noisyner_is_split_at_lines(own: Paths) -> None:
    made = corpora.write_noisyner(own.data / "again")
    first = sum(len(tokens) + 1 for tokens, _ in made[:70]) + 2  # two tokens into the 71st sentence
    second = sum(len(tokens) + 1 for tokens, _ in made[:90])
    task = load_task("noisyner", own, split=[first, second])
    assert task.val is not None
    assert (len(task.train), len(task.val), len(task.test)) == (71, 20, 30)
    assert words(task, task.train.x.numpy())[-1] == made[70][0][:2]
    assert words(task, task.val.x.numpy())[0] == made[70][0][2:]
    given = corpora.missing(made, 0.8 - 0.1 * 7)
    assert tags(task, task.annotations["labelset7"])[:70] == given[:70]
    assert tags(task, task.annotations["labelset7"])[72:] == given[71:90]
    assert len(task.annotations) == 7


def test_noisebench_merges_labels_with_the_text(own: Paths) -> None:
    task, made = load_task("noisebench", own), corpora.write_noisebench(own.data / "again")
    kept = [document for i, document in reversed(list(enumerate(made["train"]))) if i != 2]
    dev = [document[1][0][-1] == "1996-08-24" or document[2][0][-1] == "1996-08-24" for document in kept]
    assert 0 < sum(dev) < len(dev)
    for examples, side, start in ((task.train, False, 0), (task.val, True, len(task.train))):
        assert examples is not None
        expected = [pair for document, held in zip(kept, dev, strict=True) if held == side for pair in document]
        assert words(task, examples.x.numpy()) == [tokens for tokens, _ in expected]
        assert tags(task, examples.y) == [given for _, given in expected]
        noisy = [given for document, held in zip(kept, dev, strict=True) if held == side for given in corpora.missing(document, 0.75)]
        assert tags(task, task.annotations["weak"])[start : start + len(examples)] == noisy
    assert set(task.annotations) == {"expert", "crowdbest", "crowd", "distant", "weak", "llm"}
    assert words(task, task.test.x.numpy()) == [tokens for document in made["test"] for tokens, _ in document]
    assert tags(task, task.test.y) == [given for document in made["test"] for _, given in document]


def test_german_labels_follow_the_text_line_by_line(own: Paths) -> None:
    task, made = load_task("noisebench", own, language="german"), corpora.write_noisebench(own.data / "again")
    assert task.val is not None
    assert len(task.train) == sum(map(len, made["train"][:8]))  # documents from number int(.83 * 12) = 9 on are dev
    assert "wä" in {token for sentence in words(task, task.train.x.numpy()) for token in sentence}
    assert set(task.annotations) == {"expert", "llm"}
    assert np.array_equal(task.annotations["llm"][: len(task.train)], task.train.y)  # B-B of one type is one entity again


def test_a_patch_is_applied_only_to_the_text_that_it_was_made_for(tmp_path: Path) -> None:
    patch, text = tmp_path / "a.patch", tmp_path / "text"
    patch.write_text("1a2\n> new\n3c4,5\n< c\n---\n> d\n> e\n5d6\n< f\n")
    assert patched(["a", "b", "c", "x", "f", "g"], patch, text) == ["a", "new", "b", "d", "e", "x", "g"]
    with pytest.raises(UserError, match=r"text line 3 has 'z', .*a.patch expects 'c': give the original CoNLL-2003 file"):
        patched(["a", "b", "z", "x", "f"], patch, text)
    assert [len(block) for block in blocks(["a", "", "", "b", "c"])] == [1, 2]


FILES = {
    "wikigold": ["wikigold/roster/train_text.txt", "wikigold/roster/train_label_dist.txt", "wikigold/wrench/train.json"],
    "noisyner": ["noisyner/estner.cnll", "noisyner/NoisyNER_labelset3.labels"],
    "noisebench": [
        "conll2003/eng.train",
        "cleanconll/train_tokens.patch",
        "cleanconll/cleanconll_annotations.test",
        "noisebench/annotations/index.txt",
        "noisebench/annotations/noise_weak.traindev",
    ],
}


@pytest.mark.parametrize("name", FILES)
def test_ends_of_lines_and_marks_of_other_systems_change_nothing(name: str, own: Paths) -> None:
    options = {"split": [300, 500]} if name == "noisyner" else {}
    before = load_task(name, own, **options)
    for number, path in enumerate(FILES[name]):
        content = (own.data / path).read_bytes().rstrip(b"\n").replace(b"\n", b"\r\n")
        (own.data / path).write_bytes((b"\xef\xbb\xbf" if number % 2 == 0 else b"") + content + (b"\r\n\r\n" if number == 1 else b""))
    after = load_task(name, own, **options)
    assert before.surfaces == after.surfaces
    for a, b in ((before.train, after.train), (before.test, after.test)):
        assert np.array_equal(a.x, b.x)
        assert np.array_equal(a.y, b.y)
    assert all(np.array_equal(before.annotations[of], after.annotations[of]) for of in before.annotations)


def test_other_schemes_are_converted_and_a_long_sentence_is_cut(own: Paths) -> None:
    before, folder = load_task("wikigold", own).annotations["distant"], own.data / "wikigold" / "roster"
    labels = folder / "train_label_dist.txt"
    labels.write_text(labels.read_text().replace("B-", "").replace("I-", ""))  # no two names of one type are neighbors
    assert np.array_equal(load_task("wikigold", own).annotations["distant"], before)
    for file, word in (("train_text.txt", "w"), ("train_label_true.txt", "O"), ("train_label_dist.txt", "O")):
        (folder / file).write_text(" ".join([word] * 5000) + "\n\n" + (folder / file).read_text())  # and a sentence without tokens
    task = load_task("wikigold", own)
    assert (len(task.train), task.problem.width) == (80 + 25, 200)


def test_validation_of_noisebench_is_its_own_and_noisy(own: Paths) -> None:
    """What training and noisy validation see are the observed labels, what clean_val sees the right ones."""
    task = load_task("noisebench", own)
    assert task.val is not None
    pool, noise = pool_of(task), load("noise", "recorded", set="llm")
    made, _ = corrupt(task, noise, 0, own.cache)
    data, truth = assemble(task, pool, made, seed=0)
    size, width = len(task.train), data.problem.width
    given = task.annotations["llm"]
    assert (len(data.train), len(data.val)) == (size, len(task.val))
    for part, expected in ((data.train.value, given[:size]), (data.val.value, given[size:]), (truth.y_val, given[size:])):
        assert np.array_equal(part, expected)
    assert np.array_equal(truth.y_val_clean, task.val.y)
    assert not np.array_equal(truth.y_val, truth.y_val_clean)
    assert truth.train is not None
    assert np.array_equal(truth.train.reshape(-1, width), task.train.y)


def change(path: str, old: str, new: str) -> Callable[[Path], None]:
    def apply(data: Path) -> None:
        text = (data / path).read_text()
        assert old in text
        (data / path).write_text(text.replace(old, new, 1))

    return apply


def remove(path: str) -> Callable[[Path], None]:
    return lambda data: (data / path).unlink()


def in_latin_1(path: str) -> Callable[[Path], None]:
    def apply(data: Path) -> None:
        (data / path).write_bytes((data / path).read_bytes() + b"\xe9\n")

    return apply


def shift(data: Path) -> None:
    path = data / "noisyner" / "NoisyNER_labelset3.labels"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[37:], *lines[:37]]) + "\n")


BROKEN = {
    "no text": ("noisebench", remove("conll2003/eng.train"), r"conll2003/eng.train is missing: put your copy of CoNLL-2003 there \(eng.train or train.txt\)"),
    "no patch": ("noisebench", remove("cleanconll/train_tokens.patch"), r"cleanconll/train_tokens.patch is missing: copy data/patch_files"),
    "no labels": ("noisebench", remove("noisebench/annotations/noise_llm.traindev"), r"noise_llm.traindev is missing: copy data/annotations of"),
    "another text": ("noisebench", change("conll2003/eng.train", "A1-B1", "A1"), r"eng.train line 3 has 'A1', .*train_tokens.patch expects 'A1-B1'"),
    "a token is missing": (
        "noisebench",
        change("noisebench/annotations/noise_crowd.traindev", "[TOK]\tO\n[TOK]", "[TOK]"),
        r"noise_crowd.traindev line 3 begins \d+ labels",
    ),
    "an index too far": (
        "noisebench",
        change("noisebench/annotations/index.txt", "docstart\n5", "docstart\n9995"),
        r"index.txt line \d+: '9995\d' is no block of .*eng.train",
    ),
    "a strange type": (
        "noisebench",
        change("noisebench/annotations/noise_weak.traindev", "\tB-PER", "\tB-VEH"),
        r"noise_weak.traindev line \d+: tag 'B-VEH' is none of",
    ),
    "test labels too short": (
        "noisebench",
        change("cleanconll/cleanconll_annotations.test", "[TOKEN]\tNN\tO\tO\tO\n", ""),
        r"cleanconll_annotations.test has \d+ blocks",
    ),
    "wikigold text": ("wikigold", remove("wikigold/roster/valid_text.txt"), r"valid_text.txt is missing: copy data/wikigold of"),
    "fewer lines": ("wikigold", change("wikigold/roster/train_label_dist.txt", "\n", " "), r"train_text.txt has 80 lines, .*train_label_dist.txt has 79"),
    "fewer tags": (
        "wikigold",
        change("wikigold/roster/train_label_dist.txt", "O ", ""),
        r"train_label_dist.txt line 1 has \d tags, .*train_text.txt has \d tokens there",
    ),
    "broken votes": ("wikigold", change("wikigold/wrench/meta.json", "lf", "x"), r"meta.json has no votes of labeling functions \(KeyError\('lf'\)\)"),
    "no names of functions": ("wikigold", remove("wikigold/wrench/meta.json"), r"wrench/meta.json is missing: copy the wikigold folder"),
    "a strange vote": (
        "wikigold",
        change("wikigold/wrench/train.json", '"weak_labels": [["O"', '"weak_labels": [["Q"'),
        r"train.json: the votes on '.*'... are not a tag of 2 functions for each token \(KeyError\('Q'\)\)",
    ),
    "votes on fewer tokens": (
        "wikigold",
        change("wikigold/wrench/train.json", '"weak_labels": [["O", "O"], ', '"weak_labels": ['),
        r"train.json: the votes on '.*'... are not a tag of 2 functions for each token",
    ),
    "a prefix of another form": (
        "wikigold",
        change("wikigold/roster/train_label_dist.txt", " B-", " b-"),
        r"train_label_dist.txt line \d+: tag 'b-[A-Z]+' is none of O",
    ),
    "text in Latin-1": ("wikigold", in_latin_1("wikigold/roster/test_text.txt"), r"test_text.txt cannot be read as UTF-8 text"),
    "labels in Latin-1": ("noisyner", in_latin_1("noisyner/NoisyNER_labelset1.labels"), r"NoisyNER_labelset1.labels cannot be read as UTF-8 text"),
    "votes in Latin-1": ("wikigold", in_latin_1("wikigold/wrench/train.json"), r"train.json cannot be read as UTF-8 text \(.{,99}\): convert it"),
    "labels too short": (
        "noisyner",
        change("noisyner/NoisyNER_labelset2.labels", "O\n", ""),
        r"NoisyNER_labelset2.labels has \d+ labels, .*estner.cnll has \d+ tokens",
    ),
    "labels shifted": ("noisyner", shift, r"NoisyNER_labelset3.labels agrees with .*estner.cnll on \d.\d% of the entities: the two are shifted"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_bad_files_are_one_line(name: str, own: Paths) -> None:
    task, damage, message = BROKEN[name]
    damage(own.data)
    with pytest.raises(UserError, match=message) as caught:
        load_task(task, own, **({"split": [300, 500]} if task == "noisyner" else {}))
    assert "\n" not in str(caught.value)


def test_clean_val_looks_at_gold_sentences_where_a_task_has_them() -> None:
    conditions = make_conditions("tagging")
    plain = run(load("method", "erm"), conditions).evaluation
    gold = make_examples("tagging", 30, 7)[1]
    with_gold: Evaluation = run(load("method", "erm"), replace(conditions, truth=replace(conditions.truth, gold_val=gold))).evaluation
    assert [r.predictions for r in plain.records] == [r.predictions for r in with_gold.records]
    assert [r.primary["noisy_val"] for r in plain.records] == [r.primary["noisy_val"] for r in with_gold.records]
    assert [r.primary["clean_val"] for r in plain.records] != [r.primary["clean_val"] for r in with_gold.records]
