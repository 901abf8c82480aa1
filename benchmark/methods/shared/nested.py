"""Nested dropout's widths: how they are drawn in training, and how noisy validation chooses one."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.core.types import Evaluate, Observed, Units
from benchmark.methods.base import RunInfo, activate
from benchmark.methods.step import Step

REACH = 4.0  # widths beyond so many ``std`` are drawn with probability below 1e-6: nobody chooses them


class Widths:
    """How many of K features the head sees, and P(k) of each width.

    The head is used without its bias, as W f = head(f) - head(0); on token tasks, where a structured model may follow, it keeps it.
    """

    def __init__(self, features: int, std: float, keep_bias: bool) -> None:
        chance = np.exp(-((np.arange(1, features + 1) / std) ** 2))
        self.features, self.chance, self.keep_bias = features, chance / chance.sum(), keep_bias
        self.most = min(features, max(1, int(np.ceil(REACH * std))))

    def units(self, step: Step, net: int, features: Tensor, width: int) -> Units:
        """Units of a batch from the first ``width`` of its features (B, ..., K)."""
        return step.flatten(self.output(step, net, features, width, step.inputs()))

    def output(self, step: Step, net: int, features: Tensor, width: int, x: Tensor) -> Tensor:
        """Return the output (B, ...) from the first ``width`` of the features (B, ..., K) of the inputs ``x`` (B, ...)."""
        out = step.head(net, torch.cat([features[..., :width], torch.zeros_like(features[..., width:])], dim=-1), x)
        return out if self.keep_bias else out - step.head(net, torch.zeros_like(features[:1]), x[:1])

    def draw(self, rng: np.random.Generator) -> int:
        """Return a width from 1 to K, drawn with P(k)."""
        return 1 + int(rng.choice(self.features, p=self.chance))

    def decisions(self, step: Step, net: int) -> Tensor:
        """(U, most) what the network decides with 1, 2, ... features, from one pass: classes or numbers."""
        features = step.encode(net)
        outputs = (self.units(step, net, features, k).output for k in range(1, self.most + 1))
        return torch.stack([out[:, 0] if out.shape[1] == 1 else out.argmax(1).float() for out in outputs], dim=1)


def best_width(decision: Tensor, seen: Observed, continuous: bool, penalty: float) -> int:
    """The width of largest score - penalty x width: accuracy on noisy labels, or minus the squared error; the smallest of equals.

    Args:
        decision: (U, most) by width.
        seen: observed labels of the same units.
    """
    at, target = seen.live.to(decision.device), seen.value.to(decision.device)
    hit = decision[at] == target[at].unsqueeze(1).float()
    score = -((decision[at] - target[at].unsqueeze(1)) ** 2).mean(0) if continuous else hit.float().mean(0)
    width = torch.arange(1, decision.shape[1] + 1, device=decision.device)
    return 1 + int((score.double() - penalty * width).argmax())


class NestedWidths(nn.Module):
    """Hold what nested dropout adds to networks: widths drawn in training, and the width of each that validation chose."""

    chosen: Tensor

    def __init__(self, run: RunInfo, networks: int, std: float, penalty: float) -> None:
        super().__init__()
        self.networks = networks
        self.penalty = penalty
        self.rng = run.generator("nested_dropout")
        self.widths = Widths(run.features, std, keep_bias=run.problem == "tagging")
        self.held = run.observed["val"]
        self.continuous = run.kind == "continuous"
        self.trying: int | None = None  # network whose widths are tried
        self.register_buffer("chosen", torch.full((networks,), run.features, device=run.device))

    def drawn(self, step: Step) -> list[Units]:
        """Return the units of every network, each with a width drawn for this batch."""
        width = [self.widths.draw(self.rng) for _ in range(self.networks)]
        return [self.widths.units(step, net, step.encode(net), k) for net, k in enumerate(width)]

    def narrowed(self, step: Step) -> list[Units]:
        """Return the units of every network, each with the width that it chose."""
        return [self.widths.units(step, net, step.encode(net), int(self.chosen[net])) for net in range(self.networks)]

    def choose(self, evaluate: Evaluate) -> None:
        """Try all widths of every network on half of the noisy validation labels, and keep the best."""
        for net in range(self.networks):
            self.trying = net
            decision = evaluate("val")
            self.trying = None
            self.chosen[net] = best_width(decision, self.held, self.continuous, self.penalty)

    def predict(self, step: Step) -> Tensor:
        """Return (U, K) with the chosen widths; (U, widths) decisions of the network whose widths are tried."""
        if self.trying is not None:
            return self.widths.decisions(step, self.trying)
        return torch.stack([activate(units.output) for units in self.narrowed(step)]).mean(0)
