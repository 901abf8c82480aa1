"""SIGUA."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.methods.base import RunInfo
from benchmark.methods.shared.ported import Forgetting, Ported
from benchmark.methods.step import Step


class Sigua(Ported):
    """Descends on the floor((1 - f) B) smallest errors of a batch, ascends weakly on the next floor(f B r), leaves the rest: weights 1, -gamma, 0.

    Han et al., 2020, arXiv:1809.11008 (SIGUA with small losses), carried over to squared errors; f = r min(t / T_k, 1). The sum is divided by the
    number of kept units. An error beyond 1 sd of the targets is not fitted and is left alone: squared errors have no bound, and at a rate of .8 the
    ascent took predictions to infinity. Knows the noise rate r. One forward and one backward pass.
    """

    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the sum over the number of kept units",
        "batch_statistics": "ours, because it is carried over to numbers: training's passes alone",
        "predicts": "as the paper: the network",
    }
    family = "sample selection"
    needs = frozenset({"noise_rate"})
    differs = (
        "ours for numbers: squared error, no ascent on errors beyond 1 sd; the noise rate is the "
        "share of the left-out errors that is climbed (released: .3 or .4, set by hand, and at "
        "least one), and their sum is divided by the number of kept ones (released: by their own)"
    )
    cites = "Han et al., 2020, arXiv:1809.11008"

    def __init__(self, gamma: float = 0.01, ramp: float = 0.05) -> None:
        super().__init__()
        self.gamma = gamma
        self.ramp = ramp

    def setup(self, run: RunInfo) -> None:
        """Note the noise rate and its schedule."""
        super().setup(run)
        self.forgetting = Forgetting(run, self.ramp)

    def objective(self, step: Step) -> Tensor:
        """Weighted sum of squared errors over the number of kept ones."""
        units = step.units()
        loss = self.loss(units.output, units.target)
        self.note(units, loss, step)
        forget = self.forgetting.share(step.epoch)
        size = len(loss)
        keep = max(1, int((1 - forget) * size + 1e-6))
        climb = int(forget * size * float(self.forgetting.rate) + 1e-6)
        rank = torch.empty_like(loss).scatter_(0, loss.detach().argsort(stable=True), torch.arange(size, dtype=loss.dtype, device=loss.device))
        climbed = (rank >= keep) & (rank < keep + climb) & (loss < 1)
        return (loss[rank < keep].sum() - self.gamma * loss[climbed].sum()) / keep
