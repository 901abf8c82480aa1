"""Snorkel's label model."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from benchmark.core.answers import MOST_CELLS
from benchmark.core.errors import ConfigError
from benchmark.functional.votes import Voting
from benchmark.noise.label_models.base import LabelModel, library


class Snorkel(LabelModel):
    """Complete the matrix of overlaps between sources (Ratner et al., 2019, arXiv:1810.02840), by the library snorkel.

    ``epochs`` and the seed are those of its tutorials; WRENCH trains 100 epochs. Without a balance all
    classes count as equally frequent, as in its ``fit``.
    """

    takes_balance = True
    cites = "Ratner et al., 2019, arXiv:1810.02840"

    def __init__(self, epochs: int = 500, lr: float = 0.01, seed: int = 123) -> None:
        self.epochs = epochs
        self.lr = lr
        self.seed = seed

    def __call__(self, voting: Voting, outcome: bool = False, balance: np.ndarray | None = None) -> np.ndarray:
        """Return (N, K) probabilities of the classes.

        Raises:
            ConfigError: the library is not installed, or there are too many sources for its table.
        """
        if voting.units * voting.sources > MOST_CELLS:
            raise ConfigError(
                f"noise.by=snorkel needs a table of {voting.units} units x {voting.sources} sources, "
                "which is too large: take majority, weighted, dawid_skene or one_coin"
            )
        votes = np.full((voting.units, voting.sources), -1, dtype=np.int64)
        votes[voting.unit, voting.source] = voting.label
        prior = None if balance is None else (np.asarray(balance) / np.sum(balance)).tolist()
        with _generators_kept():  # importing draws too: a default seed
            module = library("snorkel.labeling.model.label_model", "snorkel", "snorkel")
            model = module.LabelModel(cardinality=voting.classes, verbose=False)
            model.fit(
                votes,
                class_balance=prior,
                n_epochs=self.epochs,
                lr=self.lr,
                seed=self.seed,
                progress_bar=False,
            )
            probability: np.ndarray = model.predict_proba(votes)
        return probability


@contextmanager
def _generators_kept() -> Iterator[None]:
    """Give the global generators their states back, whatever happens inside: Snorkel draws from one and seeds all."""
    import torch

    plain = random.getstate()
    array = np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        random.setstate(plain)
        np.random.set_state(array)
