"""Expected positive regularization."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark import functional
from benchmark.methods.base import RunInfo
from benchmark.methods.shared.multilabel import Grid, MultiLabelMethod, expected_number
from benchmark.methods.step import Step


class EPR(MultiLabelMethod):
    """Mean over entries of o l(p), l = -log(p + 1e-5), plus ((mean_i sum_k p_ik) - k)^2 / C^2: negatives and unknown labels are never trained on.

    Cole et al., 2021, arXiv:2106.09708. k, the expected number of right positives of an example, comes from the observed labels and the
    noise rates, which it has to know. The reported loss includes the regularizer. One forward and one backward pass.
    """

    needs = frozenset({"noise_rate"})
    release = "elijahcole/single-positive-multi-label@89152d5"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "as released: none of its own",
        "normalisation": "as released: the mean over entries, 1e-5 in the logarithm, the regularizer over C^2",
        "batch_statistics": "as released: training's passes alone",
        "predicts": "as released: the network",
    }
    family = "robust loss"
    cites = "Cole et al., 2021, arXiv:2106.09708"

    def setup(self, run: RunInfo) -> None:
        """The expected number of positives."""
        self.positives = expected_number(run)

    def layout_loss(self, grid: Grid, step: Step) -> Tensor:
        """Positives plus the regularizer."""
        p = grid.logit.sigmoid()
        return (grid.label * functional.negative_log(p)).mean() + functional.expected_positives(p, self.positives)
