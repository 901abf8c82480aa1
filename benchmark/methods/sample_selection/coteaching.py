"""Co-teaching."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from benchmark.core.types import Units
from benchmark.methods.sample_selection.small_loss import SmallLoss
from benchmark.methods.step import Step


class CoTeaching(SmallLoss):
    """Two networks, each trained on the small-loss units that the other selects.

    Han et al., 2018, arXiv:1804.06872. The mean over the ceil((1 - R) B) kept units is the loss; the released code keeps the integer part and divides by
    their number a second time, which Adam hides and SGD does not. Its Adam loses momentum (beta_1 .9 -> .1) and rate from epoch 80 of 200 on;
    here the trainer's schedule holds for every method. Prediction: the mean of both networks (network 0 alone is
    reported beside it). Two forward and two backward passes; knows the noise rate.
    """

    networks = 2
    release = "bhanML/Co-teaching@7c7fbe2"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because every epoch counts: R(0) = 0, R full at T_k (released: r / 9 at first, full two epochs earlier)",
        "normalisation": (
            "ours, because the paper has a mean: over the kept units, once (released: divided by them again), their share rounded up (released: down)"
        ),
        "batch_statistics": "as released: training mode, both networks on one batch",
        "predicts": "ours, because a row has one prediction: the mean of both networks (released: each by itself)",
    }
    cites = "Han et al., 2018, arXiv:1804.06872"
    fidelity = "exact"
    differs = (
        "the kept share is rounded up (released: down); R(0) = 0 and R full at T_k (r / 9 at "
        "first, full two epochs earlier); the mean of both networks (each by itself); the released "
        "code divides the mean over the kept units by their number once more"
    )

    def objective(self, step: Step) -> Tensor:
        """Return l_0 over the selection of network 1 plus l_1 over the selection of network 0."""
        return exchanged(self, [step.units(net) for net in (0, 1)], step)


def exchanged(method: SmallLoss, units: list[Units], step: Step) -> Tensor:
    """Return the sum of both networks' mean losses, each over the units that the other one selects.

    Args:
        method: whose loss and selection are used.
        units: of network 0 and of network 1, (U, K) outputs each.
        step: the batch.
    """
    losses = [method.loss(own.output, own.target) for own in units]
    masks = [method.select(own, loss, step) for own, loss in zip(units, losses, strict=True)]
    return losses[0][masks[1]].mean() + losses[1][masks[0]].mean()
