"""What a method is told of the noise rate: the true one, an estimate, or a wrong one."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar, Literal

import torch

from benchmark import functional
from benchmark.core.errors import ConfigError
from benchmark.methods.base import FitFunction, Method, Price, RunInfo, set_up
from benchmark.methods.shared.folds import held_out
from benchmark.methods.shared.wrapper import Wrapper

FACTORS = {True: 1.0, "x0.5": 0.5, "x1.5": 1.5}
LARGEST = 0.95  # who believes that everything is wrong has nothing to train on


class KnownRate(Wrapper):
    """A method that asks for ``noise_rate`` is told the true one, half or one and a half of it, or an estimate.

    ``rate=true`` is what the base gets anyway: the realised share of wrong labels, per column and observed class. ``x0.5`` and ``x1.5`` multiply that
    table (at most .95). ``estimated`` needs nobody to know it: 1 - C_ii / sum_j C_ij, C the confident joint of ``folds``-fold out-of-fold predictions
    (Northcutt, Jiang and Chuang, 2021, arXiv:1911.00068). It takes ``folds`` networks on (folds - 1) / folds of the data and one pass over held-out
    examples beside the base's passes; the others take none.

    Raises:
        ConfigError: the base asks for no rate, or it is to be estimated for targets, which have no classes.
    """

    meets: ClassVar[dict[str, tuple[str, str]]] = {"noise_rate": ("rate", "estimated")}
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: none of its own",
        "normalisation": "as the paper: that of the base",
        "batch_statistics": "as the paper: held-out networks in evaluation mode",
        "predicts": "as the paper: the base",
    }
    family = "sample selection"
    cites = "Northcutt, Jiang and Chuang, 2021, arXiv:1911.00068"

    def __init__(self, base: Method, rate: Literal["estimated", "x0.5", "x1.5"] | bool = True, folds: int = 2) -> None:
        if "noise_rate" not in base.needs:
            raise ConfigError(f"method.base: {type(base).__name__} asks for no noise rate: wrap a method that does, such as coteaching")
        if rate is False:
            raise ConfigError("method.rate=false is unknown: give true, estimated, x0.5 or x1.5")
        super().__init__(base)
        self.rate, self.folds = rate, folds
        if rate == "estimated":
            self.needs = base.needs - {"noise_rate"}  # type: ignore[misc]

    def passes(self, epochs: int) -> Price:
        """The base's, and those of the folds where the rate is estimated."""
        own = self.base.passes(epochs)
        if self.rate != "estimated":
            return own
        return Price(own.forward + self.folds - 1 + 1 / epochs, own.backward + self.folds - 1, own.at_most)

    def setup(self, run: RunInfo) -> None:
        """The base's, with the rate that it is told; an estimate comes in ``prepare``."""
        if self.rate != "estimated":
            self.base.setup(self._told(run, FACTORS[self.rate] * run.need("noise_rate")))

    def prepare(self, fit: FitFunction, run: RunInfo) -> None:
        """Estimate, where it is asked for; then the base's."""
        if self.rate == "estimated":
            if run.kind != "categorical":
                raise ConfigError(f"method.rate=estimated needs classes, and this task is {run.problem}: give true, x0.5 or x1.5")
            columns = run.width if run.problem == "multilabel" else 1
            run = self._told(run, functional.confident_rate(held_out(fit, run, self.folds), run.observed["train"], columns))
            set_up(self.base, run)
        else:
            run = self._told(run, FACTORS[self.rate] * run.need("noise_rate"))
        self.base.prepare(fit, run)

    @staticmethod
    def _told(run: RunInfo, rate: torch.Tensor) -> RunInfo:
        return replace(run, declared={**run.declared, "noise_rate": rate.clamp(max=LARGEST)})
