"""The training labels that a method suspects most, with what a person needs to judge them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from benchmark.data.parts import as_numbers
from benchmark.methods.base import Method
from benchmark.running.conditions import Conditions

COLUMNS = ("example", "column", "given", "right", "suspicion", "input")
SHOWN = 16
DIGITS = 8  # numbers of a vector that are shown


def suspects(method: Method, conditions: Conditions, number: int = SHOWN) -> list[list[Any]]:
    """One line per label, most suspicious first, as ``COLUMNS``; [] for methods without a suspicion.

    The input is a uint8 image (H, W) or (H, W, C), a sentence, or the first numbers of a vector. ``right`` is empty where nobody knows.
    """
    suspicion = method.suspicion()
    if suspicion is None:
        return []
    data = conditions.data
    seen, value = data.train.observed(), suspicion.detach().cpu().double().numpy()
    units = np.flatnonzero(seen.live.numpy() & np.isfinite(value))
    units = units[np.argsort(-value[units], kind="stable")][:number]
    truth = conditions.truth.train
    out = []
    for unit in units.tolist():
        example, column = divmod(unit, data.problem.width)
        right = "" if truth is None else _named(conditions, truth[unit])
        given = float(seen.value[unit]) * data.scale + data.center if data.problem.kind == "continuous" else int(seen.value[unit])
        out.append([example, column, _named(conditions, given), right, float(value[unit]), _shown(conditions, example)])
    return out


def _named(conditions: Conditions, value: Any) -> str:
    """A label in words."""
    problem = conditions.data.problem
    if problem.kind == "continuous":
        return f"{float(value):.5g}"
    if int(value) < 0:
        return ""
    return str(int(value)) if problem.name == "multilabel" else problem.names[int(value)]


def _shown(conditions: Conditions, example: int) -> Any:
    x = conditions.data.train.inputs(torch.tensor([example]))[0]
    surfaces = conditions.task.surfaces
    if surfaces and not x.is_floating_point():
        used = int(conditions.data.train.live[example].sum())
        return " ".join(surfaces[int(token)] for token in x[:used, -1])
    if x.ndim in (2, 3) and (x.is_floating_point() or x.dtype == torch.uint8):
        pixels = as_numbers(x).clamp(0, 1).mul(255).byte().cpu().numpy()
        image = pixels.transpose(1, 2, 0) if pixels.ndim == 3 else pixels
        return image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image
    return " ".join(f"{float(v):.3g}" for v in x.flatten()[:DIGITS])
