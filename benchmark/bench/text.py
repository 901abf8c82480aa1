"""What padding costs, and how fast tags are scored."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from benchmark.bench.timing import Measurement, ratio, seconds
from benchmark.config.build import load
from benchmark.data.parts import Part
from benchmark.data.problems import Tagging
from benchmark.models.base import Network
from benchmark.training.batches import batches, epoch_order
from benchmark.training.recipe import Recipe, input_shape
from benchmark.training.trainer import TrainerSettings

TAGS = ("O", *(f"{prefix}-{kind}" for kind in ("PER", "LOC", "ORG", "MISC") for prefix in "BI"))


def text() -> Iterator[Measurement]:
    """Batches of sentences of like length against a loader that pads each random batch; a million scored tokens."""
    torch.set_num_threads(1)
    part, problem = _corpus()
    size = 32
    order = epoch_order(part, size, 0)
    cells = sum(int(live.numel()) if live is not None else value.numel() for _, value, live in map(part.rows, batches(order, size)))
    yield "padding in batches of 32 sentences", f"{1 - int(part.live.sum()) / cells:.1%} of the tokens", "at most 15 %"
    settings = TrainerSettings(epochs=1, batch_size=size, optimizer="adam", lr=1e-3)
    recipe = Recipe(load("model", "bilstm", characters=0), input_shape(part.x), settings, seed=0)
    (network,) = recipe.networks(problem, 1)

    def ours() -> None:
        _train(network, settings, ((x, value) for x, value, _ in map(part.rows, batches(epoch_order(part, size, 1), size))))

    sentences = [(x[: int(n)], y[: int(n)]) for x, y, n in zip(part.x, part.value, part.live.sum(1), strict=True)]

    def collate(chosen: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        x, y = zip(*chosen, strict=True)
        return pad_sequence(list(x), batch_first=True), pad_sequence(list(y), batch_first=True, padding_value=-1)

    def plain() -> None:
        loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(sentences, size, shuffle=True, collate_fn=collate, generator=torch.Generator().manual_seed(1))  # type: ignore[arg-type]
        _train(network, settings, loader)

    yield "an epoch of a tagger, loader that pads random batches / ours", f"{ratio(plain, ours, 5):.2f} x", "at least 1.5 x"
    yield from _scoring()


def _corpus(size: int = 1600) -> tuple[Part, Tagging]:
    """Sentences as long as Wikipedia's: 23 tokens in the mean, some of more than 100."""
    rng = np.random.default_rng(0)
    length = np.clip(rng.lognormal(2.95, 0.6, size).astype(int), 2, 144)
    live = torch.from_numpy(np.arange(length.max()) < length[:, None])
    x = torch.from_numpy(rng.integers(1, 2000, (*live.shape, 4))) * live.unsqueeze(2)
    return Part(x, torch.from_numpy(rng.integers(0, len(TAGS), tuple(live.shape))).where(live, torch.tensor(-1)), live), Tagging(TAGS, live.shape[1])


def _train(network: Network, settings: TrainerSettings, steps: Iterable[tuple[Tensor, Tensor]]) -> None:
    optimizer = settings.make_optimizer(network.parameters())
    for x, y in steps:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(x).flatten(0, 1), y.reshape(-1), ignore_index=-1).backward()
        optimizer.step()


def _scoring(size: int = 25_000, width: int = 40) -> Iterator[Measurement]:
    rng = np.random.default_rng(0)
    y = rng.choice(len(TAGS), (size, width), p=[0.84] + [0.02] * 8)
    decision = np.where(rng.random(y.shape) < 0.9, y, rng.integers(0, len(TAGS), y.shape))
    probability, problem = rng.random((y.size, len(TAGS))), Tagging(TAGS, width)
    took = min(seconds(lambda: problem.scores(probability, decision.reshape(-1), y)) for _ in range(3))
    yield "all scores of a million tokens", f"{took:.2f} s", "at most 4 s"
