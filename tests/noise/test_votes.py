"""Votes of several sources become one label: by rules of the suite, and of libraries where they are installed."""

from __future__ import annotations

import importlib.util
import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from benchmark import functional
from benchmark.config.registry import names
from benchmark.core.answers import Answers
from benchmark.core.errors import ConfigError
from benchmark.core.paths import ROOT
from benchmark.core.types import Corruption, Labels
from benchmark.data.problems import Multiclass, MultiLabel, Tagging
from benchmark.noise.base import Context
from benchmark.noise.streams import Streams
from benchmark.noise.votes import Votes

RULES = names("label_model")
LIBRARY = {**dict.fromkeys(("mace", "glad", "mmsr", "dawid_skene_crowdkit"), "crowdkit"), "snorkel": "snorkel", "hyper": "hyperlm"}
INSTALLED = {name: importlib.util.find_spec(name) is not None for name in set(LIBRARY.values())}
NAMES = ("O", "B-PER", "I-PER", "B-LOC", "I-LOC")


def made(rule: str, votes: np.ndarray, classes: int, seed: int = 0, **options: object) -> Corruption:
    """Aggregate a table (N, A) of votes on units whose right class is 0."""
    labels = Multiclass([f"class {k}" for k in range(classes)]).labels(np.zeros(len(votes), dtype=np.int64))
    context = Context({str(a): votes[:, a] for a in range(votes.shape[1])})
    return Votes(rule, **options)(labels, Streams(labels, seed), context)  # type: ignore[arg-type]


def aggregated(rule: str, votes: np.ndarray, classes: int, **options: object) -> np.ndarray:
    return made(rule, votes, classes, **options).observed


@pytest.fixture(scope="module")
def crowd() -> tuple[np.ndarray, np.ndarray]:
    """Right classes (400,), and votes (400, 8) of sources that are right in 35 to 90 % of the cases and abstain in a fifth; nobody votes on the last unit."""
    rng = np.random.default_rng(0)
    right = rng.integers(0, 3, 400)
    skill = np.array([0.9, 0.85, 0.8, 0.5, 0.4, 0.4, 0.35, 0.35])
    wrong = (right[:, None] + rng.integers(1, 3, (400, 8))) % 3
    votes = np.where(rng.random((400, 8)) < skill, right[:, None], wrong)
    votes[rng.random((400, 8)) < 0.2] = -1
    votes[-1] = -1
    return right, votes


def needs(rule: str) -> str:
    """Skip where the library of a rule is not installed."""
    if not INSTALLED.get(LIBRARY.get(rule, ""), True):
        pytest.skip("make setup-votes was not run")
    return rule


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_is_better_than_most_sources_and_leaves_generators_alone(rule: str, crowd: tuple[np.ndarray, np.ndarray]) -> None:
    right, votes = crowd
    before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # type: ignore[index]
    found = aggregated(needs(rule), votes, 3)
    assert found.shape == (400,)
    assert found[-1] == -1  # nobody voted
    assert (found == right)[:-1].mean() > 0.78
    assert np.array_equal(found, aggregated(rule, votes, 3))
    after = random.getstate(), np.random.get_state()[1], torch.get_rng_state()  # type: ignore[index]
    assert before[0] == after[0]
    assert all(bool((a == b).all()) for a, b in zip(before[1:], after[1:], strict=True))


def test_the_own_dawid_skene_agrees_with_that_of_crowd_kit(crowd: tuple[np.ndarray, np.ndarray]) -> None:
    needs("mace")
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    votes = crowd[1][:-1]
    unit, source = np.nonzero(votes >= 0)
    other = DawidSkene(n_iter=50).fit_predict(pd.DataFrame({"task": unit, "worker": source, "label": votes[unit, source]}))
    assert (other.loc[np.arange(len(votes))].to_numpy() == functional.dawid_skene(votes, 3).argmax(1)).mean() > 0.99


def test_the_first_use_of_snorkel_leaves_generators_alone() -> None:
    """Its import draws a number: only a process that never imported it can tell."""
    needs("snorkel")
    program = """
import random, sys
import numpy as np, torch
from benchmark.functional.votes import Voting
from benchmark.noise.label_models.snorkel import Snorkel
states = lambda: (random.getstate(), np.random.get_state()[1].tolist(), np.random.get_state()[2], torch.get_rng_state().tolist())
assert "snorkel.labeling.model.label_model" not in sys.modules
before = states()
Snorkel()(Voting.of(np.array([[0, 0, 1], [1, 1, -1], [0, 1, 1], [0, 0, 0]]), 2))
print(before == states())
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_generators_come_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("snorkel")
    from snorkel.labeling.model import label_model

    def broken(self: object, votes: np.ndarray, **options: object) -> None:
        random.random()
        raise ValueError("votes")

    monkeypatch.setattr(label_model.LabelModel, "fit", broken)
    before = random.getstate()
    with pytest.raises(ValueError, match="votes"):
        aggregated("snorkel", np.array([[0, 1], [1, 1]]), 2)
    assert random.getstate() == before


def skewed() -> tuple[np.ndarray, np.ndarray]:
    """Right classes (2000,), nine tenths of them 0, and votes (2000, 4) of sources that are right in 75 % of the cases."""
    rng = np.random.default_rng(1)
    right = (rng.random(2000) < 0.1).astype(int)
    votes = np.where(rng.random((2000, 4)) < 0.75, right[:, None], 1 - right[:, None])
    return right, votes


def test_the_balance_of_classes_moves_snorkel_towards_the_frequent_one() -> None:
    needs("snorkel")
    right, votes = skewed()
    plain, known = (aggregated("snorkel", votes, 2, balance=b) for b in (None, [9, 1]))
    assert (known == right).mean() > (plain == right).mean() + 0.02
    assert known.mean() < plain.mean()
    assert np.array_equal(known, aggregated("snorkel", votes, 2, balance=[0.9, 0.1]))  # shares of their sum


def test_a_balance_that_does_not_fit_is_one_line() -> None:
    votes = np.zeros((2, 2), dtype=int)
    for by, balance, text in (
        ("majority", [0.5, 0.5], r"noise\.balance is for by=snorkel and flying_squid; by=majority"),
        ("snorkel", [0.5, 0.5], r"noise\.balance has 2 shares, the task has 3 classes"),
        ("snorkel", [0.5, 0.5, 0.0], r"has a share that is not above 0"),
    ):
        with pytest.raises(ConfigError, match=text):
            aggregated(by, votes, 2 if by == "majority" else 3, balance=balance)


def test_a_balance_from_ground_truth_is_declared() -> None:
    needs("snorkel")
    right, votes = skewed()
    labels = Multiclass(["no", "yes"]).labels(right)
    context = Context({str(k): votes[:, k] for k in range(4)})
    found = Votes("snorkel", balance="validation")(labels, Streams(labels, 0), context)
    shares = found.statistics["balance"]
    assert sum(shares) == pytest.approx(1)
    assert shares[1] == pytest.approx(right.mean(), abs=0.03)
    assert shares[1] != right.mean()  # of a fifth, not of all
    assert "ground-truth labels of 20%" in found.statistics["warning"]
    assert found.statistics["needs"] == "right" == next(iter(Votes.needs_where))
    given = Votes("snorkel", balance=shares)(labels, Streams(labels, 0), context)
    assert np.array_equal(given.observed, found.observed)
    assert not given.statistics
    with pytest.raises(ConfigError, match=r"noise\.balance is for by=snorkel"):
        Votes("majority", balance="validation")(labels, Streams(labels, 0), context)


@pytest.mark.parametrize("rule", LIBRARY)
def test_a_missing_library_is_one_line(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("crowdkit.aggregation", "snorkel.labeling.model.label_model", "hyperlm.hyper_label_model"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match=rf"noise\.by={rule} needs the package .*: run 'make setup-votes'") as caught:
        aggregated(rule, np.eye(2, dtype=int), 3)
    assert "\n" not in str(caught.value)


def test_an_unknown_rule_names_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"noise\.by='maec' is unknown: did you mean 'mace'"):
        aggregated("maec", np.zeros((2, 2), dtype=int), 3)


def tagged() -> tuple[Labels, dict[str, np.ndarray]]:
    """Two sentences of four tokens, the second one shorter; three sources, two of which know persons or places alone."""
    y = np.array([[1, 2, 0, 3], [0, 1, -1, -1]])
    persons, places = np.array([1, 2, 0, 0, 0, 1, -1, -1]), np.array([0, 0, 0, 3, 0, 0, -1, -1])
    return Tagging(NAMES, 4).labels(y), {"persons": persons, "places": places, "strange": np.array([0, 0, 0, 0, 4, 0, -1, -1])}


def test_outside_is_no_vote_unless_asked_for() -> None:
    labels, given = tagged()
    made = Votes()(labels, Streams(labels, 0), Context(given))
    assert made.observed.tolist() == [1, 2, 0, 3, 3, 1, -1, -1]  # the I- that continues nothing begins an entity
    assert Votes(outside="votes")(labels, Streams(labels, 0), Context(given)).observed.tolist() == [0, 0, 0, 0, 0, 0, -1, -1]
    assert made.votes is not None
    assert made.votes[:, 1].tolist() == [0, 0, 0, 3, 0, 0, -1, -1]


def test_sources_are_those_named_or_the_tasks_single_ones_or_all() -> None:
    labels, given = tagged()
    named = Votes(sources=["persons"])(labels, Streams(labels, 0), Context(given))
    assert named.observed.tolist() == given["persons"].tolist()
    single = Votes()(labels, Streams(labels, 0), Context(given, answers=Answers.from_votes(given["places"][:, None], ("places",))))
    assert single.observed.tolist() == given["places"].tolist()
    with pytest.raises(ConfigError, match=r"noise\.sources names 'person', which is not recorded for this task: did you mean 'persons'"):
        Votes(sources=["person"])(labels, Streams(labels, 0), Context(given))
    with pytest.raises(ConfigError, match="noise votes needs recorded labels of several sources"):
        Votes()(labels, Streams(labels, 0), Context())


def test_classes_need_no_outside() -> None:
    labels = Multiclass(list("abc")).labels(np.array([0, 1, 2]))
    given = {"x": np.array([0, 1, 1]), "y": np.array([0, 2, 1]), "z": np.array([0, 2, 2])}
    assert Votes()(labels, Streams(labels, 0), Context(given)).observed.tolist() == [0, 2, 1]


def test_equal_classes_are_drawn_by_the_unit_and_kept_as_soft_labels() -> None:
    votes = np.tile([2, 1], (3000, 1))
    found = made("majority", votes, 4, soft=True)
    assert abs((found.observed == 1).mean() - 0.5) < 0.05
    assert set(found.observed) == {1, 2}
    assert found.soft is not None
    np.testing.assert_array_equal(found.soft[0], [0, 0.5, 0.5, 0])
    assert not np.array_equal(found.observed, made("majority", votes, 4, seed=1).observed)
    few = made("majority", votes[:100], 4).observed  # a unit's tie does not depend on the others
    np.testing.assert_array_equal(few, found.observed[:100])


def one_class_each() -> tuple[np.ndarray, np.ndarray]:
    """Right classes (1500,), and votes (1500, 6) of functions that know one class each: 0.9 right when they speak, which they rarely do elsewhere."""
    rng = np.random.default_rng(5)
    right = rng.integers(0, 3, 1500)
    own = np.array([0, 0, 1, 1, 2, 2])
    speaks = rng.random((1500, 6)) < np.where(right[:, None] == own, 0.6, 0.05)
    return right, np.where(speaks, own, -1)


@pytest.mark.parametrize("rule", ["dawid_skene", "one_coin"])
def test_functions_of_one_class_are_read_by_whether_they_speak(rule: str) -> None:
    right, votes = one_class_each()
    covered = (votes >= 0).any(1)
    found = aggregated(rule, votes, 3)
    assert (found == right)[covered].mean() > (aggregated("majority", votes, 3) == right)[covered].mean() - 0.005
    assert (found[~covered] == -1).all()
    assert np.array_equal(found, aggregated(rule, votes, 3, abstain="outcome"))
    with pytest.raises(ConfigError, match=rf"noise\.by={rule} gives the class 'class \d' to all {covered.sum()} units that have a vote"):
        aggregated(rule, np.where(votes > 0, 1, votes), 3, abstain="missing")


def test_a_rule_that_cannot_read_silence_says_so() -> None:
    with pytest.raises(ConfigError, match=r"noise\.by=majority takes silence for a missing answer"):
        aggregated("majority", one_class_each()[1], 3, abstain="outcome")


def test_a_label_of_a_multi_label_example_that_nobody_voted_on_is_unlabelled() -> None:
    labels = MultiLabel(["p", "q"]).labels(np.array([[1, 0], [0, 1]]))
    given = {"a": np.array([1, -1, 0, -1]), "b": np.array([1, 0, 1, -1])}
    found = Votes()(labels, Streams(labels, 0), Context(given)).observed
    assert found[[0, 1, 3]].tolist() == [1, 0, -1]
    assert found[2] in (0, 1)


def test_the_lock_adds_to_the_other_one() -> None:
    lock, base = (
        {line.partition("==")[0].lower() for line in (ROOT / name).read_text(encoding="utf8").splitlines() if "==" in line}
        for name in ("requirements-votes.lock", "requirements.lock")
    )
    assert {"crowd-kit", "snorkel", "hyperlm"} <= lock
    assert not lock & base
