"""BoMD: bags of multi-label descriptors find and smooth wrong labels."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from benchmark import functional
from benchmark.core.errors import ConfigError, DataError
from benchmark.core.files import FileName
from benchmark.methods.base import FitFunction, Method, Price, RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod, observed_positives
from benchmark.methods.step import Step


class Descriptors(Method):
    """Learns M descriptors (M * D outputs) whose best match with the label vectors ranks the positives of an example first."""

    def __init__(self, positive: Tensor, vectors: Tensor, bag: int, beta: float) -> None:
        super().__init__()
        self.positive, self.vectors, self.bag, self.beta = positive, vectors, bag, beta

    def objective(self, step: Step) -> Tensor:
        """Mean ranking loss of the batch."""
        bags = step.units().output.reshape(len(step), self.bag, -1)
        return functional.bag_ranking_loss(bags, self.vectors, self.positive[step.index], self.beta).mean()

    def predict(self, step: Step) -> Tensor:
        """(B, M * D) as they are."""
        return step.units().output


class BoMD(MultiLabelMethod):
    """BCE on smooth re-labels t = [(1 - lam) y + lam (g + (1 - g) v)] 1[y + v > 0], v the share of positives among the nearest examples.

    Chen et al., 2023, arXiv:2203.01937. 1. A side training learns ``bag`` descriptors per example: with label vectors w and c_k = max_m w_k'v_m it minimises
    2 [(1 - beta) (1 + omega) / |P| sum over P x N of log(1 + exp(c_n - c_p)) + beta sum_d Var_m v_dm], omega the variance of the positive label
    vectors; a bag of one minimises the sum over |P| alone, without 2, (1 - beta), omega and Var. 2. An example whose labels are its own top 1 to 6 by c
    keeps them. For the others a graph
    sums the ranks of the 200 nearest descriptors of each of theirs, and the 10 nearest examples vote. 3. A classifier learns t. One side
    training plus one forward and one backward pass, and neighbours among N * bag descriptors.
    """

    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: descriptors, neighbours, then the classifier",
        "normalisation": "as the paper: the mean over images, then over entries",
        "batch_statistics": "as the paper: descriptors in evaluation mode",
        "predicts": "as the paper: the classifier",
    }
    family = "label refurbishment"
    cites = "Chen et al., 2023, arXiv:2203.01937"
    keeps = "2 N C; 200 neighbours of each descriptor while it prepares"
    differs = (
        "label vectors are rows of label co-occurrence, MiniLM's or a file's in place of BlueBERT's; an image absent from a list counts with its last rank"
    )
    version: ClassVar[int] = 2  # a bag of one is not weighed by 1 - beta any more

    target: Tensor
    moved: Tensor

    def __init__(
        self, bag: int = 3, beta: float = 0.3, lam: float = 0.6, smooth: float = 0.25, neighbours: int = 10, vectors: FileName = "cooccurrence"
    ) -> None:
        super().__init__()
        self.bag, self.beta, self.lam, self.smooth = bag, beta, lam, smooth
        self.neighbours, self.vectors = neighbours, vectors

    def passes(self, epochs: int) -> Price:
        """The descriptors' training, their extraction, and the classifier."""
        return Price(2 + 1 / epochs, 2)

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """Descriptors, clean examples, votes and targets."""
        y = observed_positives(run)
        w = label_vectors(y, run.names, self.vectors)
        descriptors = Descriptors(y, w, self.bag, self.beta)
        found = fit(outputs=self.bag * w.shape[1], method=descriptors).predict(np.arange(run.num_examples))
        bags = found.reshape(run.num_examples, self.bag, -1)
        vote = nearest_votes(bags.cpu().double().numpy(), y.cpu().numpy(), self.neighbours)
        clean = ranked_first((bags @ w.T).amax(1), y)
        target = functional.smooth_relabel(y, torch.from_numpy(vote).to(y), self.lam, self.smooth)
        self.register_buffer("target", torch.where(clean[:, None], y, target))
        self.register_buffer("moved", (self.target - y).abs())

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Mean BCE against the targets; an unknown label is trained on its target too."""
        return F.binary_cross_entropy_with_logits(grid.logit, self.target[step.index])

    def suspicion(self) -> Tensor:
        """How far the target is from the given label."""
        return self.moved.reshape(-1)


def label_vectors(positive: Tensor, names: Sequence[str], source: str) -> Tensor:
    """(C, D) label vectors of length one: how often other labels occur with each, MiniLM's of their names, or the rows of a .npy file.

    Raises:
        DataError: the file cannot be read. ConfigError: it has another number of rows, or MiniLM is not installed.
    """
    if source == "cooccurrence":
        together = positive.T @ positive
        together = together / positive.sum(0).clamp(min=1)[:, None]
        together.fill_diagonal_(1.0)
        return F.normalize(together, dim=1)
    if source == "minilm":
        from benchmark.models.encoders import minilm
        from benchmark.models.transformer import loaded

        vectors = minilm.pooled(*loaded(str(minilm.folder())), [name.replace("_", " ") for name in names])
        return vectors.clone().to(positive)  # made for inference: gradients may not pass it
    try:
        content = np.load(Path(source).expanduser(), allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"method.vectors={source} cannot be read as an array ({error}): give cooccurrence, minilm or a .npy file with a row a label") from error
    if content.ndim != 2 or len(content) != positive.shape[1]:
        raise ConfigError(f"method.vectors={source} has shape {content.shape}, the task has {positive.shape[1]} labels: give a row for each")
    return F.normalize(torch.from_numpy(content.astype(np.float32)).to(positive), dim=1)


def ranked_first(score: Tensor, positive: Tensor, most: int = 6) -> Tensor:
    """(N,) bool: the positives of the example, 1 to ``most`` of them, are the labels of highest score."""
    count = positive.sum(1)
    lowest = torch.where(positive == 1, score, torch.inf).amin(1)
    highest = torch.where(positive == 1, -torch.inf, score).amax(1)
    return (count >= 1) & (count <= most) & (lowest > highest)


def nearest_votes(bags: np.ndarray, positive: np.ndarray, neighbours: int, listed: int = 200) -> np.ndarray:
    """(N, C) share of positives among the nearest examples of a graph over descriptors.

    Every descriptor lists its ``listed`` nearest descriptors of other examples; the example's neighbours are those with the smallest sum of best ranks
    over its lists, where an example that a list lacks has the rank after its last.

    Args:
        bags: (N, M, D). positive: (N, C).
    """
    from scipy.sparse import coo_array
    from sklearn.neighbors import NearestNeighbors

    examples, bag, _ = bags.shape
    flat = bags.reshape(examples * bag, -1)
    listed = min(listed, len(flat) - 1)
    order = NearestNeighbors(n_neighbors=listed + 1).fit(flat).kneighbors(flat, return_distance=False) // bag
    row = np.repeat(np.arange(len(flat)), listed + 1)
    rank = np.tile(np.arange(listed + 1), len(flat))
    _, first = np.unique(row * examples + order.reshape(-1), return_index=True)  # the best rank of an example in each list
    first = first[order.reshape(-1)[first] != row[first] // bag]
    near = (row[first] // bag, order.reshape(-1)[first])
    credit = coo_array(((listed + 1 - rank[first]).astype(float), near), shape=(examples, examples)).tocsr()
    votes = np.zeros(positive.shape)
    count = min(neighbours, examples - 1)
    for start in range(0, examples, 512):
        block = credit[start : start + 512].toarray()
        block[np.arange(len(block)), start + np.arange(len(block))] = -1
        best = np.argsort(-block, axis=1, kind="stable")[:, :count]
        votes[start : start + 512] = positive[best].mean(1)
    return votes
