from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.core.digests import digest
from benchmark.core.paths import Paths
from benchmark.core.types import Task
from benchmark.data.tokens import UNKNOWN
from tasks import newswire
from tasks.newswire.gazetteer import ERRORS, annotate, compare, spans
from tasks.newswire.grammar import MAX_LENGTH, MIN_LENGTH
from tasks.newswire.names import inventories
from tasks.newswire.templates import SENTENCES

Mention = tuple[tuple[str, ...], str]


@pytest.fixture(scope="module")
def task() -> Task:
    return newswire.load(Paths(Path("data"), Path("results"), Path("cache")))


def everything() -> list[newswire.Sentence]:
    train, test = newswire.sentences()
    return train + test


def content(sides: Iterable[list[newswire.Sentence]]) -> str:
    return digest([[s.tokens, s.tags, s.distant] for side in sides for s in side])


def mentions(side: list[newswire.Sentence]) -> list[Mention]:
    return [(sentence.tokens[start:end], kind) for sentence in side for start, end, kind in spans(sentence.tags)]


def counts(side: list[newswire.Sentence]) -> Counter[str]:
    return sum((compare(sentence.tags, sentence.distant) for sentence in side), Counter())


def test_two_generations_are_equal() -> None:
    cached = content(newswire.sentences())
    assert content(newswire.generate()) == cached
    assert content(newswire.generate()) == cached


def test_content_is_pinned() -> None:
    # Whoever changes the grammar changes every number on the board: this digest and the card are updated together.
    assert content(newswire.sentences()) == "a27f9b3f6694233f"


def test_sizes_and_lengths() -> None:
    train, test = newswire.sentences()
    assert (len(train), len(test)) == (1600, 400)
    assert len(SENTENCES) == len(set(SENTENCES)) >= 60
    lengths = np.array([len(sentence.tokens) for sentence in train + test])
    assert lengths.min() >= MIN_LENGTH
    assert lengths.max() <= MAX_LENGTH <= 32
    assert ((lengths >= 8) & (lengths <= 24)).mean() > 0.9


def test_tags_are_valid_iob2() -> None:
    for sentence in everything():
        for tags in (sentence.tags, sentence.distant):
            assert len(tags) == len(sentence.tokens)
            assert set(tags) <= set(newswire.NAMES)
            for before, tag in zip(("O", *tags), tags, strict=False):
                assert not tag.startswith("I-") or before[2:] == tag[2:]


def test_no_grammar_symbol_is_left_in_the_text() -> None:
    tokens = {token for sentence in everything() for token in sentence.tokens}
    assert not [token for token in tokens if not token or token[0] in "<{[|^#" or token[-1] in ">}]!" or token in ("-LRB-", "-RRB-")]


def test_every_type_is_frequent() -> None:
    for side in newswire.sentences():
        found = Counter(kind for _, kind in mentions(side))
        assert set(found) == {"PER", "LOC", "ORG", "PROD"}
        assert min(found.values()) > 0.05 * found.total()


def test_many_test_mentions_are_new() -> None:
    train, test = newswire.sentences()
    known = {surface for surface, _ in mentions(train)}
    assert 0.35 < np.mean([surface not in known for surface, _ in mentions(test)]) < 0.45


def test_names_are_ambiguous() -> None:
    kinds: dict[str, set[str]] = defaultdict(set)
    for surface, kind in mentions(newswire.sentences()[0]):
        kinds[" ".join(surface)].add(kind)
    assert kinds["Jordan"] >= {"PER", "LOC"}
    assert kinds["Washington"] >= {"PER", "LOC", "ORG"}
    assert kinds["Ford"] >= {"PER", "ORG", "PROD"}
    assert sum(len(types) > 1 for types in kinds.values()) > 40


def test_no_sentence_is_in_both_sets() -> None:
    train, test = newswire.sentences()
    assert not {sentence.tokens for sentence in train} & {sentence.tokens for sentence in test}


def test_new_names_are_kept_apart() -> None:
    for inventory in inventories().values():
        assert not set(inventory.seen) & set(inventory.new)


def test_distant_labels_resemble_real_ones() -> None:
    for found in map(counts, newswire.sentences()):
        assert 0.75 < found["correct"] / found["given"] < 0.82
        assert 0.55 < found["correct"] / found["gold"] < 0.62
        assert min(found[kind] for kind in ERRORS) > 0.02 * found["gold"]
        assert found["missing"] > sum(found[kind] for kind in ERRORS) / 2


def test_scan_takes_the_longest_name() -> None:
    listed = {("Jordan",): "LOC", ("Bank", "of", "Jordan"): "ORG", ("May",): "PER"}
    tokens = ["The", "Bank", "of", "Jordan", "met", "Jordan", "Holt", "in", "May"]
    assert annotate(tokens, listed) == ("O", "B-ORG", "I-ORG", "I-ORG", "O", "B-LOC", "O", "O", "B-PER")


def test_errors_are_told_apart() -> None:
    right = ["B-PER", "I-PER", "O", "B-LOC", "O", "O", "B-ORG", "B-PROD"]
    given = ["B-LOC", "O", "O", "B-ORG", "O", "B-PER", "O", "B-PROD"]
    assert compare(right, given) == Counter(gold=4, given=4, correct=1, boundary=1, type=1, spurious=1, missing=1)


def test_tensors_follow_the_text(task: Task) -> None:
    train, test = newswire.sentences()
    width = max(len(sentence.tokens) for sentence in train + test)
    assert task.problem.width == width
    for examples, side in ((task.train, train), (task.test, test)):
        assert examples.x.shape == (len(side), width, 5)
        assert examples.x.dtype == torch.int64
        lengths = [len(sentence.tokens) for sentence in side]
        live = np.arange(width) < np.array(lengths)[:, None]
        assert np.array_equal(examples.y >= 0, live)
        assert np.array_equal((examples.x > 0).all(-1).numpy(), live)
        assert np.array_equal((examples.x > 0).any(-1).numpy(), live)
        assert [task.surfaces[place] for place in examples.x[0, :, -1] if place] == list(side[0].tokens)
    distant = task.annotations["distant"]
    assert distant.shape == task.train.y.shape
    assert np.array_equal(distant >= 0, task.train.y >= 0)
    assert [newswire.NAMES[tag] for tag in distant[0] if tag >= 0] == list(train[0].distant)


def test_vocabularies_come_from_training(task: Task) -> None:
    train, test = task.train.x[..., :4], task.test.x[..., :4]  # the fifth column are the tokens as they are written
    top, unknown = train.amax((0, 1)), (test == UNKNOWN).any(1).any(0)
    assert bool((test.amax((0, 1)) <= top).all())
    assert bool(unknown[0])
    assert bool((train[..., 0] == UNKNOWN).any())  # words that occur once
    assert not bool((train[..., 1:] == UNKNOWN).any())
    for column in range(4):
        assert set(range(2, int(top[column]) + 1)) <= set(train[..., column].unique().tolist())


def test_groups_are_identical_sentences(task: Task) -> None:
    assert task.groups is not None
    train, _ = newswire.sentences()
    assert len(set(task.groups.tolist())) == len({sentence.tokens for sentence in train})
