"""Co-teaching+."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from torch import Tensor

from benchmark.core.types import Units
from benchmark.methods.sample_selection.coteaching import exchanged
from benchmark.methods.sample_selection.small_loss import SmallLoss
from benchmark.methods.step import Step


class CoTeachingPlus(SmallLoss):
    """Co-teaching on the units where the two networks predict different classes.

    Yu et al., 2019, arXiv:1901.04215. Plain co-teaching for the first ``warmup`` of the epochs (20 of 200), then disagreement first, selection
    and exchange second; a batch without disagreement gives no gradient. The released code feeds softmax outputs into cross entropy once
    more, never trains on the sample with index 0, and divides by the number of kept units twice; none of it is in the paper, nor here.
    Tokens are left out: two networks that say O everywhere never disagree, and never learn.
    Two forward and two backward passes; knows the noise rate.
    """

    networks = 2
    kinds = frozenset({"categorical"})
    problems = frozenset({"multiclass", "multilabel"})
    warm_up = True
    release = "xingruiyu/coteaching_plus@a68ed61"
    follows: ClassVar[dict[str, str]] = {
        "schedule": "ours, because every epoch counts: R(0) = 0, R full at T_k (released: r / 9 at first, full two epochs earlier)",
        "normalisation": (
            "ours, because the paper has a mean: over the kept units, once (released: divided by them again), their share rounded up (released: down)"
        ),
        "batch_statistics": "as released: training mode, both networks on one batch",
        "predicts": "ours, because a row has one prediction: the mean of both networks (released: each by itself)",
    }
    fidelity = "exact"
    cites = "Yu et al., 2019, arXiv:1901.04215"
    differs = (
        "the released code applies softmax twice, drops sample 0, normalizes twice, and trains on "
        "all units of a batch without disagreement in the first 5,000 steps; the kept share is "
        "rounded up (down); R(0) = 0 and R full at T_k (r / 9 at first, full two epochs earlier); "
        "the mean of both networks (each by itself)"
    )

    def __init__(self, ramp: float = 0.05, warmup: float = 0.1) -> None:
        super().__init__(ramp)
        self.warmup = warmup

    def objective(self, step: Step) -> Tensor:
        """Exchange among the units in dispute."""
        units = [step.units(net) for net in (0, 1)]
        if step.epoch < round(self.warmup * self.epochs):
            return exchanged(self, units, step)
        dispute = units[0].output.argmax(1) != units[1].output.argmax(1)
        if not bool(dispute.any()):
            return 0 * (units[0].output.sum() + units[1].output.sum())
        return exchanged(self, [part(own, dispute) for own in units], step)


def part(units: Units, mask: Tensor) -> Units:
    """The units of a batch where ``mask`` (U,) is true."""
    assert units.given is not None
    return replace(
        units, output=units.output[mask], given=units.given[mask], index=units.index[mask], row=units.row[mask], column=units.column[mask], partner=None
    )
