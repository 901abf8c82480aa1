"""Predictions for every unit slot of a split, in evaluation mode."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from benchmark.core.types import Split
from benchmark.data.parts import Part
from benchmark.data.splits import TrainingData
from benchmark.methods.base import Method, activate
from benchmark.methods.step import Batch, Passes, Step
from benchmark.models.base import Network

EVALUATION_BATCH, TEXT_BATCH = 2048, 256


class Predictor:
    """``evaluate(split, net, features, by)``: predictions for every unit slot of a split, in evaluation mode. There is no test split."""

    def __init__(self, method: Method, networks: Sequence[Network], data: TrainingData, passes: Passes) -> None:
        self._method, self._networks, self._data, self._passes = method, networks, data, passes

    def __call__(self, split: Split, net: int | None = None, features: bool = False, by: Callable[[Step], Tensor] | None = None) -> Tensor:
        """(E * W, K) probabilities, zeros where a slot is not live; (E, ..., D) features instead if asked for. ``net`` None = the method's prediction.

        ``by`` takes the place of the method's prediction: from a step, without targets, to whatever (U, ...) a method wants to know of every unit.

        Raises:
            LookupError: the method looks at validation examples without declaring it.
        """
        if split == "val" and not self._method.uses_val:
            raise LookupError(f"{type(self._method).__name__} predicts validation examples without declaring uses_val")
        part = {"train": self._data.train, "val": self._data.val}[split]
        return predict(part, self._method, self._networks, self._data, self._passes, net=net, features=features, by=by)[0]


@torch.no_grad()
def predict(
    part: Part,
    method: Method,
    networks: Sequence[Network],
    data: TrainingData,
    passes: Passes,
    *,
    net: int | None = None,
    features: bool = False,
    decide: bool = False,
    by: Callable[[Step], Tensor] | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Predictions for every unit slot of ``part`` and, with ``decide``, the hard decision per slot.

    A decision is the arg-max, or the joint decision of a structured model when its one network is what the method predicts by.
    """
    size, width = len(part), data.problem.width
    found: dict[str, Tensor] = {}
    device = next(networks[0].parameters()).device

    def put(name: str, at: Tensor, value: Tensor, slots: int) -> None:
        if name not in found:
            found[name] = value.new_zeros(slots, *value.shape[1:])
        found[name][at] = value

    with evaluating([*networks, method]), counting(networks, passes):
        for at in _chunks(part):
            x, value, live = part.rows(at)
            x, here, live = x.to(device), at.to(device), None if live is None else live.to(device)
            step = Step(networks, data.problem, Batch([x], here, None, live, width=value.shape[1]), passes)
            if features:
                seen = step.encode(net or 0)
                seen = seen.mean(1) if networks[net or 0].places else seen
                put("features", *_padded(seen, at, width if part.lengths is not None else None), size)
                continue
            index = step.slots()[0]
            units = (by or method.predict)(step) if net is None else activate(step.units(net).output)
            put("probability", index, units, size * width)
            if decide:
                path = step.decode() if len(networks) == 1 else None
                if path is not None and not torch.equal(units, activate(step.units().output)):
                    path = None  # the method's prediction is another one than its network's
                chosen = units[:, 0] if units.shape[1] == 1 else units.argmax(1)
                put("decision", index, chosen if path is None else path, size * width)
    return found["features" if features else "probability"], found.get("decision")


@contextmanager
def evaluating(modules: Sequence[nn.Module]) -> Iterator[None]:
    """Evaluation mode, and back."""
    modes = [module.training for module in modules]
    for module in modules:
        module.eval()
    try:
        yield
    finally:
        for module, mode in zip(modules, modes, strict=True):
            module.train(mode)


@contextmanager
def counting(networks: Sequence[Network], passes: Passes) -> Iterator[None]:
    """Let networks count in ``passes``, and then where they did before: what an evaluation costs is no cost of its run."""
    places = [network.counts for network in networks]
    for at, network in enumerate(networks):
        network.count_in(passes, at)
    try:
        yield
    finally:
        for network, place in zip(networks, places, strict=True):
            network.counts = place


def _chunks(part: Part) -> Sequence[Tensor]:
    """Examples to predict together; sentences of like length, so that little is padded."""
    if part.lengths is None:
        return torch.arange(len(part), device=part.value.device).split(EVALUATION_BATCH)
    return part.lengths.argsort(stable=True).split(TEXT_BATCH)


def _padded(features: Tensor, at: Tensor, width: int | None) -> tuple[Tensor, Tensor]:
    """Features of sentences padded to the full width."""
    return at, features if width is None else F.pad(features, (0, 0, 0, width - features.shape[1]))
