"""Sample selection with uncertainty of losses (CNLCU)."""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from torch import Tensor

from benchmark.functional.neighbours import outlier_factor
from benchmark.functional.residuals import truncated
from benchmark.methods.base import RunInfo
from benchmark.methods.shared.ported import Forgetting, History, Ported
from benchmark.methods.step import Step

OUTLIER, NEIGHBOURS = 1.5, 2


class CNLCU(Ported):
    """Co-teaching that ranks units by a lower confidence bound of their mean loss over the last epochs: what was rarely selected gets a chance.

    Xia et al., 2022, arXiv:2106.00445, carried over to squared errors. t losses, n times selected so far:
    ``soft``: mean of log(1 + l + l^2 / 2) minus s (t + s log(2 t) / t^2) / (n + 1 - s);
    ``hard``: mean of the losses that no local outlier factor above 1.5 leaves out (t_o of t, from t = 5 on) minus
    2 sqrt(2 s) L (t + sqrt(2) t_o) / ((t - t_o) sqrt(t)) sqrt(log(4 t) / (n + 1)), L the largest loss of the batch. Negative bounds are 0.
    The released code leaves out the inliers instead (scikit-learn marks them with 1), and has n without 1 in the second formula. Prediction:
    the mean of both networks. Two forward and two backward passes; knows the noise rate.
    """

    networks = 2
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because it is carried over to numbers",
        "normalisation": "ours, because it is carried over to numbers: the mean squared error of kept units",
        "batch_statistics": "ours, because it is carried over to numbers: training's passes alone",
        "predicts": "ours, because it is carried over to numbers: the mean of both networks",
    }
    family = "sample selection"
    needs = frozenset({"noise_rate"})
    keeps = "N x history"
    cites = "Xia et al., 2022, arXiv:2106.00445"
    differs = "ours for numbers; outliers leave, where the released code drops inliers"

    selected: Tensor

    def __init__(self, bound: Literal["soft", "hard"] = "soft", variance: float = 0.01, ramp: float = 0.05, history: int = 5) -> None:
        super().__init__()
        self.bound = bound
        self.variance = variance
        self.ramp = ramp
        self.history = history

    def setup(self, run: RunInfo) -> None:
        """Note the noise rate, an empty history, and how often each network selected each unit."""
        super().setup(run)
        self.forgetting = Forgetting(run, self.ramp)
        self.losses = History(run, self.networks, self.history)
        self.register_buffer("selected", torch.zeros(self.networks, run.num_units, device=run.device))

    def score(self, losses: Tensor, times: Tensor) -> Tensor:
        """(U,) lower bound from losses (U, t) and how often each unit was selected (U,)."""
        t = losses.shape[1]
        log = torch.tensor(float(t), device=losses.device).log()
        if self.bound == "soft":
            width = self.variance * (t + self.variance * (log + 0.6931471805599453) / t**2) / (times + 1 - self.variance)
            return (truncated(losses).mean(1) - width).clamp(min=0)
        out = outlier_factor(losses, NEIGHBOURS) > OUTLIER if t >= 5 else torch.zeros_like(losses, dtype=torch.bool)
        left = t - out.sum(1).to(losses.dtype)
        mean = losses.masked_fill(out, 0).sum(1) / left.clamp(min=1)
        spread = 2 * (2 * self.variance) ** 0.5 * losses[:, -1].max() * (t + 2**0.5 * (t - left)) / (left.clamp(min=1) * t**0.5)
        return (mean - spread * ((log + 1.3862943611198906) / (times + 1)).sqrt()).clamp(min=0)

    def objective(self, step: Step) -> Tensor:
        """Each network trains on the units that the other one selects."""
        parts = [step.units(net) for net in range(2)]
        losses = [self.loss(u.output, u.target) for u in parts]
        masks = []
        for net, (units, loss) in enumerate(zip(parts, losses, strict=True)):
            seen = torch.cat([self.losses.before(net, units, step), loss.detach()[:, None]], dim=1)
            score = self.score(seen, self.selected[net, units.index])
            # equal bounds (0) are told apart by the loss itself
            masks.append(self.forgetting.keep(score + 1e-6 * loss.detach(), step.epoch))
            self.note(units, score, step)
            self.losses.remember(net, units, loss, step)
            if step.repeat == 0:
                self.selected[net, units.index] += masks[-1].to(self.selected.dtype)
        return losses[0][masks[1]].mean() + losses[1][masks[0]].mean()
