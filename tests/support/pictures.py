"""Smooth images of few levels."""

from __future__ import annotations

import numpy as np
import torch


def pictures(size: int = 6, side: int = 16, seed: int = 0) -> torch.Tensor:
    """Smooth images of few levels, so that equalizing and posterizing do something."""
    rng = np.random.default_rng(seed)
    wave = np.sin(np.linspace(0, 3, side))[None, :] * np.cos(np.linspace(0, 2, side))[:, None]
    x = 120 + 60 * wave + rng.normal(0, 20, (size, 3, side, side))
    return torch.from_numpy(x.clip(20, 210).astype(np.uint8))
