"""Pure mathematics that methods share: losses, selection, mixtures, transition matrices."""

from benchmark.functional.losses import (
    asymmetric_loss,
    elr_regularizer,
    forward_correction,
    gce,
    huber,
    label_smoothing,
    mean_absolute_error,
    soft_cross_entropy,
)
from benchmark.functional.mixtures import gaussian_posterior
from benchmark.functional.selection import forget_schedule, group_rates, small_loss

__all__ = [
    "asymmetric_loss",
    "elr_regularizer",
    "forget_schedule",
    "forward_correction",
    "gaussian_posterior",
    "gce",
    "group_rates",
    "huber",
    "label_smoothing",
    "mean_absolute_error",
    "small_loss",
    "soft_cross_entropy",
]
