"""A crowd of annotators: their votes, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest

from benchmark.core.errors import ConfigError
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import Multiclass, Tagging
from benchmark.noise.annotators import Annotators
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams


@pytest.fixture(scope="module")
def labels() -> Labels:
    return Multiclass(list("abcd")).labels(np.arange(4000) % 4)


def made(labels: Labels, **options: object) -> Corruption:
    return Annotators(**options)(labels, Streams(labels, 0), Context())  # type: ignore[arg-type]


def test_each_example_is_asked_of_distinct_workers(labels: Labels) -> None:
    votes = made(labels, workers=6, per_example=3).votes
    assert votes is not None
    assert votes.shape == (4000, 6)
    assert ((votes >= 0).sum(1) == 3).all()
    load = (votes >= 0).mean(0)
    assert np.abs(load - 0.5).max() < 4 * np.sqrt(0.25 / 4000)


def test_workers_follow_their_own_matrices(labels: Labels) -> None:
    noise = Annotators(workers=3, per_example=3, error=0.4, concentration=4.0)
    streams = Streams(labels, 0)
    votes, matrices = noise(labels, streams, Context()).votes, noise.matrices(4, streams)
    assert votes is not None
    np.testing.assert_allclose(matrices.sum(2), 1)
    assert len({round(float(m[0, 0]), 6) for m in matrices}) == 3
    for worker in range(3):
        for right in range(4):
            found = np.bincount(votes[labels.value == right, worker], minlength=4) / 1000
            np.testing.assert_allclose(found, matrices[worker, right], atol=4 * 0.5 / np.sqrt(1000))


def test_the_mean_error_of_many_workers_is_the_one_asked_for() -> None:
    labels = Multiclass(list("abc")).labels(np.zeros(3, dtype=int))
    for error in (0.05, 0.3):
        matrices = Annotators(workers=2000, error=error).matrices(3, Streams(labels, 0))
        assert abs(1 - matrices[:, 0, 0].mean() - error) < 4 * np.sqrt(error * (1 - error) / 11 / 2000)


def test_worst_takes_a_wrong_vote_wherever_there_is_one_and_majority_is_better_than_random(labels: Labels) -> None:
    rates = {}
    for aggregate in ("majority", "random", "worst"):
        found = made(labels, aggregate=aggregate, error=0.3)
        votes = found.votes
        assert votes is not None
        given = votes >= 0
        any_wrong = (given & (votes != labels.value[:, None])).any(1)
        assert (given & (votes == found.observed[:, None])).any(1).all()  # somebody said so
        if aggregate == "worst":
            assert np.array_equal(found.observed != labels.value, any_wrong)
        if aggregate == "majority":
            right = (given & (votes == labels.value[:, None])).sum(1)
            assert (found.observed == labels.value)[right >= 2].all()
        rates[aggregate] = (found.observed != labels.value).mean()
    assert rates["majority"] < rates["random"] < rates["worst"]


def test_votes_are_nested_in_the_error(labels: Labels) -> None:
    few, many = (made(labels, error=error).votes for error in (0.1, 0.4))
    assert few is not None
    assert many is not None
    wrong = (few >= 0) & (few != labels.value[:, None])
    assert np.array_equal(few[wrong], many[wrong])
    assert np.array_equal(few >= 0, many >= 0)


def test_error_zero_is_clean_and_a_sentence_has_the_same_workers() -> None:
    labels = Tagging(["O", "B-X", "I-X"], 5).labels(np.where(np.arange(5) < 3, np.arange(200)[:, None] % 3, -1))
    found = made(labels, error=0.0)
    assert np.array_equal(found.observed, labels.value)
    votes = made(labels, error=0.5).votes
    assert votes is not None
    asked = (votes >= 0).reshape(200, 5, -1)
    assert (asked[:, :3] == asked[:, :1]).all()
    assert not asked[:, 3:].any()


def test_spammers_label_at_random_and_the_others_as_before() -> None:
    labels = Multiclass(list("abcd")).labels(np.arange(8000) % 4)
    noise = Annotators(per_example=1, error=0.05, spammers=0.4)
    rows = noise.matrices(4, Streams(labels, 0))
    flat = np.isclose(rows, 0.25).all((1, 2))
    assert flat.sum() == 4
    few = np.isclose(Annotators(error=0.05, spammers=0.2).matrices(4, Streams(labels, 0)), 0.25).all((1, 2))
    assert few.sum() == 2
    assert flat[few].all()  # nested: more spammers are the former ones and others
    np.testing.assert_array_equal(rows[~flat], Annotators(error=0.05).matrices(4, Streams(labels, 0))[~flat])
    votes = noise(labels, Streams(labels, 0), Context()).votes
    assert votes is not None
    for worker in np.flatnonzero(flat):
        share = np.bincount(votes[votes[:, worker] >= 0, worker], minlength=4) / (votes[:, worker] >= 0).sum()
        np.testing.assert_allclose(share, 0.25, atol=4 * 0.45 / np.sqrt(750))


@pytest.mark.parametrize("aggregate", ["majority", "random", "worst"])
def test_privileged_inputs_name_a_worker_who_said_so(labels: Labels, aggregate: str) -> None:
    found = made(labels, error=0.4, aggregate=aggregate)
    assert found.privileged is not None
    assert found.votes is not None
    assert found.privileged.shape == (4000, 10)
    assert (found.privileged.sum(1) == 1).all()
    assert np.array_equal(found.votes[np.arange(4000), found.privileged.argmax(1)], found.observed)


def test_a_token_has_no_worker_of_its_own() -> None:
    labels = Tagging(["O", "B-X", "I-X"], 5).labels(np.zeros((20, 5), dtype=int))
    assert made(labels).privileged is None


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"per_example": 11}, r"noise\.per_example=11 is outside \[1, 10\]"),
        ({"per_example": 0}, r"noise\.per_example=0"),
        ({"error": 1.2}, r"noise\.error=1\.2 is outside"),
        ({"concentration": 0.0}, r"noise\.concentration=0\.0"),
        ({"spammers": 1.5}, r"noise\.spammers=1\.5 is outside"),
    ],
)
def test_crowds_that_are_none_are_refused(options: dict[str, object], hint: str) -> None:
    with pytest.raises(ConfigError, match=hint):
        Annotators(**options)  # type: ignore[arg-type]
