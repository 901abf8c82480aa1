"""One label from the votes of several sources, by the name of a rule: the suite's own, those of crowd-kit, and Snorkel's label model."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from benchmark import functional
from benchmark.core.errors import ConfigError, choices

# Classes of crowd-kit 1.4 that serve any number of classes. Its Wawa and ZeroBasedSkill do not run with scikit-learn 1.7 and later.
CROWD_KIT: Mapping[str, tuple[str, dict[str, Any]]] = {
    "dawid_skene_crowdkit": ("DawidSkene", {"n_iter": 100}),
    "one_coin": ("OneCoinDawidSkene", {"n_iter": 100}),
    "mace": ("MACE", {"n_restarts": 5, "random_state": 0}),
    "glad": ("GLAD", {"n_iter": 30}),
    "mmsr": ("MMSR", {"random_state": 0}),
}
SNORKEL = {"n_epochs": 500, "lr": 0.01, "seed": 123, "progress_bar": False}  # the library's seed, and the epochs of its tutorials
RULES = ("majority", "dawid_skene", *CROWD_KIT, "snorkel")


def aggregated(by: str, votes: np.ndarray, num_classes: int, outside: int = 0, balance: Sequence[float] | None = None) -> np.ndarray:
    """Return one class of each unit (N,) by a rule of ``RULES``; ``outside`` where every source abstains.

    ``majority`` and ``dawid_skene`` (Dawid and Skene, 1979) are ``functional``'s. crowd-kit's (Ustalov et al., 2021, arXiv:2109.08584):
    ``dawid_skene_crowdkit``, which stops at the first iteration that does not raise its bound (on WikiGold the second one, where ours goes on);
    ``one_coin``, one accuracy a source; ``mace`` (Hovy et al., 2013), ``glad`` (Whitehill et al., 2009), ``mmsr`` (Ma and Olshevsky, 2020, arXiv:2010.12181).
    ``snorkel``: its label model (Ratner et al., 2019, arXiv:1810.02840).

    Args:
        votes: (N, A), -1 = the source abstains.
        balance: (K,) prior shares of the classes for ``snorkel``, which takes all classes for equally
            frequent without them. They are divided by their sum.

    Raises:
        ConfigError: an unknown rule, one whose library is not installed, or shares that do not fit.
    """
    if by not in RULES:
        raise ConfigError(f"noise.by={by!r} is unknown: {choices(by, RULES)}")
    if balance is not None:
        check_balance(by, balance, num_classes)
    if by == "majority":
        return functional.majority_vote(votes, num_classes, outside)
    some = np.flatnonzero((votes >= 0).any(1))
    found = np.full(len(votes), outside)
    if len(some):
        found[some] = _rule(by, balance)(votes[some], num_classes)
    return found


def check_balance(by: str, balance: Sequence[float], num_classes: int) -> None:
    """Refuse shares of classes that a rule cannot use.

    Raises:
        ConfigError: another rule than ``snorkel``, another number of shares than classes, or a share that is not above 0.
    """
    if by != "snorkel":
        raise ConfigError(f"noise.balance is for by=snorkel; by={by} learns the shares of the classes from the votes, or needs none: leave balance=null")
    if len(balance) != num_classes:
        raise ConfigError(f"noise.balance has {len(balance)} shares, the task has {num_classes} classes: give one for each")
    if not all(isinstance(share, int | float) and 0 < share < float("inf") for share in balance):
        raise ConfigError(f"noise.balance={list(balance)} has a share that is not above 0: a class that never occurs cannot be voted for")


def _rule(by: str, balance: Sequence[float] | None) -> Callable[[np.ndarray, int], np.ndarray]:
    if by == "dawid_skene":
        return lambda votes, classes: functional.dawid_skene(votes, classes).argmax(1)
    if by == "snorkel":
        return lambda votes, classes: _snorkel(votes, classes, balance)
    return lambda votes, classes: _crowd_kit(by, votes)


def _crowd_kit(by: str, votes: np.ndarray) -> np.ndarray:
    try:
        from crowdkit import aggregation
    except ImportError as error:
        raise ConfigError(f"noise.by={by} needs the package crowd-kit ({error}): run 'make setup-votes'") from error
    import pandas as pd

    unit, source = np.nonzero(votes >= 0)
    name, options = CROWD_KIT[by]
    found = getattr(aggregation, name)(**options).fit_predict(pd.DataFrame({"task": unit, "worker": source, "label": votes[unit, source]}))
    labels: np.ndarray = found.loc[np.arange(len(votes))].to_numpy().astype(np.int64)
    return labels


def _snorkel(votes: np.ndarray, classes: int, balance: Sequence[float] | None) -> np.ndarray:
    prior = None if balance is None else (np.array(balance, dtype=float) / np.sum(balance)).tolist()
    with _generators_kept():
        try:
            from snorkel.labeling.model.label_model import LabelModel  # draws a default seed while it is imported
        except ImportError as error:
            raise ConfigError(f"noise.by=snorkel needs the package snorkel ({error}): run 'make setup-votes'") from error
        model = LabelModel(cardinality=classes, verbose=False)
        model.fit(votes, class_balance=prior, **SNORKEL)
    labels: np.ndarray = model.predict_proba(votes).argmax(1)
    return labels


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Give the global generators their states back, whatever happens inside: Snorkel draws from one and seeds all of them."""
    import torch

    plain, array = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(array)
