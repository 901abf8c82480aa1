"""Likelihood of a normal whose variance depends on the input."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from benchmark.functional.residuals import gaussian_nll
from benchmark.methods.base import Method, RunInfo
from benchmark.methods.step import Step

LOWEST, HIGHEST = -9.0, 9.0  # of log variances: a perfect fit would make the likelihood infinite


class HeteroscedasticNLL(Method):
    """(log v(x) + (y - m(x))^2 / v(x)) / 2 v(x)^beta: two networks, one for the mean and one for the log variance. Gives intervals.

    Nix and Weigend, 1994; Kendall and Gal, 2017, arXiv:1703.04977. beta > 0 weighs each unit by its variance, without gradient, so that units with
    large errors are not given up (Seitzer et al., 2022, arXiv:2203.09168). The first tenth of the epochs trains the mean alone with squared error.
    Intervals hold observed targets: where labels are noisy, they are wider than right ones need. Two forward and two backward passes.
    """

    kinds = frozenset({"continuous"})
    native = frozenset({"regression"})
    networks = 2
    intervals = True
    warm_up = True
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: the mean over units",
        "batch_statistics": "as the paper: training's passes alone",
        "predicts": "as the paper: the mean's output",
    }
    family = "robust loss"
    cites = "Nix and Weigend, 1994, ICNN; Kendall and Gal, 2017, arXiv:1703.04977"

    def __init__(self, beta: float = 0.0, warmup: float = 0.1) -> None:
        super().__init__()
        self.beta, self.warmup = beta, warmup

    def setup(self, run: RunInfo) -> None:
        """Length of the warm-up."""
        self.start = round(self.warmup * run.epochs)

    def objective(self, step: Step) -> Tensor:
        """Mean negative log-likelihood."""
        units, log_variance = step.units(), self._log_variance(step)
        mean = units.output[:, 0]
        if step.epoch < self.start:
            return self.loss(units.output, units.target).mean() + gaussian_nll(mean.detach(), log_variance, units.target).mean()
        weight = (self.beta * log_variance.detach()).exp()
        return (weight * gaussian_nll(mean, log_variance, units.target)).mean()

    def _log_variance(self, step: Step) -> Tensor:
        return step.units(1).output[:, 0].clamp(LOWEST, HIGHEST)

    def predict(self, step: Step) -> Tensor:
        """(U, 1): the mean."""
        return step.units(0).output

    def deviation(self, step: Step) -> Tensor:
        """(U,) standard deviation of an observed target."""
        return torch.exp(self._log_variance(step) / 2)
