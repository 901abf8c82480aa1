"""One label from the votes of several sources, by the name of a rule: the suite's own, those of crowd-kit, and Snorkel's label model."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
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


def aggregated(by: str, votes: np.ndarray, num_classes: int, outside: int = 0) -> np.ndarray:
    """(N,) one class of each unit by a rule of ``RULES``; ``outside`` where every source abstains.

    ``majority`` and ``dawid_skene`` (Dawid and Skene, 1979) are ``functional``'s. crowd-kit's (Ustalov et al., 2021, arXiv:2109.08584):
    ``dawid_skene_crowdkit``, which stops at the first iteration that does not raise its bound (on WikiGold the second one, where ours goes on);
    ``one_coin``, one accuracy a source; ``mace`` (Hovy et al., 2013), ``glad`` (Whitehill et al., 2009), ``mmsr`` (Ma and Olshevsky, 2020, arXiv:2010.12181).
    ``snorkel``: its label model (Ratner et al., 2019, arXiv:1810.02840).

    Args:
        votes: (N, A), -1 = the source abstains.

    Raises:
        ConfigError: an unknown rule, or one whose library is not installed.
    """
    if by not in RULES:
        raise ConfigError(f"noise.by={by!r} is unknown: {choices(by, RULES)}")
    if by == "majority":
        return functional.majority_vote(votes, num_classes, outside)
    some = np.flatnonzero((votes >= 0).any(1))
    found = np.full(len(votes), outside)
    if len(some):
        found[some] = _rule(by)(votes[some], num_classes)
    return found


def _rule(by: str) -> Callable[[np.ndarray, int], np.ndarray]:
    if by == "dawid_skene":
        return lambda votes, classes: functional.dawid_skene(votes, classes).argmax(1)
    if by == "snorkel":
        return _snorkel
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


def _snorkel(votes: np.ndarray, classes: int) -> np.ndarray:
    try:
        from snorkel.labeling.model.label_model import LabelModel
    except ImportError as error:
        raise ConfigError(f"noise.by=snorkel needs the package snorkel ({error}): run 'make setup-votes'") from error
    with _generators_kept():
        model = LabelModel(cardinality=classes, verbose=False)
        model.fit(votes, **SNORKEL)
    labels: np.ndarray = model.predict_proba(votes).argmax(1)
    return labels


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Snorkel seeds all global generators."""
    import torch

    plain, array = random.getstate(), np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        yield
    random.setstate(plain)
    np.random.set_state(array)
