"""The hyper label model."""

from __future__ import annotations

import codecs
import importlib
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.functional.votes import Voting
from benchmark.noise.label_models.base import LabelModel, library


class HyperLabelModel(LabelModel):
    """Run a graph network, trained once and for all on made-up votes, over the votes (Wu et al., 2023, arXiv:2207.13545).

    Network and weights are those of the package hyperlm 0.0.5. Its own loader unpickles the file; here it is
    read with torch's ``weights_only`` and the list of what it holds beside tensors: numbers of numpy.
    Votes enter as 1 for a class and -1 for the others, each class against the others where there are more
    than two, divided by their sum. One pass, no training, no balance.
    """

    cites = "Wu et al., 2023, arXiv:2207.13545"

    def __call__(self, voting: Voting, outcome: bool = False, balance: np.ndarray | None = None) -> np.ndarray:
        """Return (N, K) probabilities of the classes.

        Raises:
            ConfigError: the package is not installed.
        """
        import torch

        module = library("hyperlm.hyper_label_model", "hyperlm", "hyper")
        with torch.random.fork_rng(devices=[]):  # first weights are drawn, and then replaced
            network = module.LELAGNN()
        path = Path(module.__file__).with_name("checkpoint.pt")
        allowed: list[Any] = [
            (importlib.import_module("numpy._core.multiarray").scalar, "numpy.core.multiarray.scalar"),
            np.dtype,
            type(np.dtype(np.float64)),
            codecs.encode,
        ]
        with torch.serialization.safe_globals(allowed):
            content = torch.load(path, map_location="cpu", weights_only=True)
        network.load_state_dict(content["model_state_dict"])
        network.eval()
        index = torch.from_numpy(np.stack([voting.unit, voting.source], axis=1)).unsqueeze(0)
        columns = []
        with torch.no_grad():
            for k in [1] if voting.classes == 2 else range(voting.classes):
                value = np.where(voting.label == k, 1.0, -1.0).astype(np.float32)
                column, _ = network(index, torch.from_numpy(value).unsqueeze(0))
                columns.append(column.reshape(-1).double().numpy())
        if voting.classes == 2:
            return np.stack([1 - columns[0], columns[0]], axis=1)
        table = np.stack(columns, axis=1)
        shares: np.ndarray = table / table.sum(1, keepdims=True)
        return shares
