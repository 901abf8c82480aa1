"""Pure mathematics that methods share: losses, selection, mixtures, transition matrices."""

from benchmark.functional.losses import (
    asymmetric_loss,
    backward_correction,
    elr_regularizer,
    forward_correction,
    gce,
    huber,
    label_smoothing,
    mean_absolute_error,
    soft_cross_entropy,
)
from benchmark.functional.mixtures import gaussian_posterior
from benchmark.functional.robust import (
    bootstrapped,
    bounded_cross_entropy,
    normalized_cross_entropy,
    normalized_focal,
    reverse_cross_entropy,
)
from benchmark.functional.selection import forget_schedule, group_rates, label_prior, linear_ramp, small_loss
from benchmark.functional.transition import (
    anchor_transition,
    consensus,
    consensus_transition,
    dual_transition,
    importance_weight,
    nearest_two,
    neighbor_consensus,
    row_normalized,
)

__all__ = [
    "anchor_transition",
    "asymmetric_loss",
    "backward_correction",
    "bootstrapped",
    "bounded_cross_entropy",
    "consensus",
    "consensus_transition",
    "dual_transition",
    "elr_regularizer",
    "forget_schedule",
    "forward_correction",
    "gaussian_posterior",
    "gce",
    "group_rates",
    "huber",
    "importance_weight",
    "label_prior",
    "label_smoothing",
    "linear_ramp",
    "mean_absolute_error",
    "nearest_two",
    "neighbor_consensus",
    "normalized_cross_entropy",
    "normalized_focal",
    "reverse_cross_entropy",
    "row_normalized",
    "small_loss",
    "soft_cross_entropy",
]
