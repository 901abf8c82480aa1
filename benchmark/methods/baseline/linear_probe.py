"""Linear probe: noise-ignorant empirical risk minimisation on a fixed encoder."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from benchmark.core.types import Evaluate, Phase
from benchmark.methods.base import Method, Price, RunInfo
from benchmark.methods.step import Step

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0)  # C, the inverse of the penalty
ITERATIONS = (10, 20, 50, 100)  # of lbfgs
FOLDS = 5
NEVER = -30.0  # logit of a class that nobody observed


class LinearProbe(Method):
    """Logistic regression on the features of an encoder that is never trained, as if labels were right (NI-ERM).

    Zhu et al., 2024, arXiv:2411.00079. Multinomial, by scikit-learn's lbfgs; C in {1e-4 ... 100} and the number of iterations in
    {10, 20, 50, 100} by 5-fold cross validation on the noisy training labels, equal examples in one fold. The encoder is the model's as it
    comes: features themselves with ``model=linear``, else its initial weights, random or pre-trained. Multi-label tasks have a probe for each
    label. One forward pass in the whole run.
    """

    kinds = frozenset({"categorical"})
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as the paper: C and iterations by 5-fold cross validation on noisy labels",
        "normalisation": "as the paper: that of lbfgs logistic regression",
        "batch_statistics": "as the paper: a frozen encoder in evaluation mode",
        "predicts": "as the paper: the probe",
    }
    family = "baseline"
    cites = "Zhu et al., 2024, arXiv:2411.00079"

    weight: Tensor
    bias: Tensor

    def passes(self, epochs: int) -> Price:
        """The features once."""
        return Price(1 / epochs, 0)

    def setup(self, run: RunInfo) -> None:
        """One probe, or one for each label: weight (C, D, K), bias (C, K)."""
        self.run, columns = run, run.width if run.problem == "multilabel" else 1
        self.register_buffer("weight", torch.zeros(columns, run.features, run.num_classes, device=run.device))
        self.register_buffer("bias", torch.zeros(columns, run.num_classes, device=run.device))

    def phases(self, epoch: int, evaluate: Evaluate) -> Sequence[Phase]:
        """Fit on the features of the training set; there is nothing else to train."""
        features, seen = evaluate("train", features=True).cpu().double().numpy(), self.run.observed["train"]
        group, column, live, given = (part.numpy() for part in (seen.group, seen.column, seen.live, seen.value))
        fold = np.zeros(self.run.num_examples, dtype=np.int64)
        for number, held in enumerate(self.run.folds(FOLDS)):
            fold[held] = number
        for c in range(len(self.bias)):
            at = np.flatnonzero(live & (column == c) if len(self.bias) > 1 else live)
            x = features[group[at]] if features.ndim == 2 else features[group[at], column[at]]
            weight, bias = probe(x, given[at], self.run.num_classes, fold[group[at]])
            self.weight[c], self.bias[c] = torch.from_numpy(weight).to(self.weight), torch.from_numpy(bias).to(self.bias)
        return ()

    def on_epoch_end(self, epoch: int, evaluate: Evaluate) -> bool:
        """Once is enough."""
        return True

    def predict(self, step: Step) -> Tensor:
        """(U, K) of the probes."""
        features, (_, row, column) = step.encode(), step.slots()
        x = features[row] if features.dim() == 2 else features[row, column]
        if len(self.bias) == 1:
            return (x @ self.weight[0] + self.bias[0]).softmax(1)
        return ((x.unsqueeze(2) * self.weight[column]).sum(1) + self.bias[column]).softmax(1)


def probe(x: np.ndarray, y: np.ndarray, classes: int, fold: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights (D, classes) and bias (classes,) of the regression that cross validation on the given labels prefers.

    Args:
        x: (U, D).
        y: (U,) observed classes; those that do not occur get a logit of -30.
        fold: (U,) of the cross validation. Where all are in one there is none: C = 1 and 100 iterations.
    """
    from sklearn.linear_model import LogisticRegression  # slow to import, and every start of a sweep looks at the methods
    from sklearn.model_selection import GridSearchCV, PredefinedSplit

    found = np.unique(y)
    weight, bias = np.zeros((x.shape[1], classes)), np.full(classes, NEVER)
    if len(found) < 2:
        bias[found] = 0
        return weight, bias
    grid: dict[str, Any] = {"C": STRENGTHS, "max_iter": ITERATIONS}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it stops before convergence is what max_iter is for
        if len(np.unique(fold)) > 1:
            best = GridSearchCV(LogisticRegression(), grid, cv=PredefinedSplit(fold), scoring="accuracy").fit(x, y).best_estimator_
        else:
            best = LogisticRegression().fit(x, y)
    two = len(found) == 2  # scikit-learn keeps the logit of the second class
    weight[:, found[1:] if two else found] = best.coef_.T
    bias[found] = np.r_[0.0, best.intercept_] if two else best.intercept_
    return weight, bias
