"""Names that do not drift: canonical JSON, digests and seeds.

A seed is derived from the *axes* it belongs to, never from the method, so that every method of a
cell sees the same split, flips, batch order and (where shapes agree) initial weights.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import torch  # not at run time: status and board do without

ROOT = Path(__file__).resolve().parent.parent
CONF = ROOT / "conf"
AXES = ("task", "noise", "method", "model", "trainer")

Seed = tuple[int, int, int]  # of split, noise and training


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces; NaN is refused so that two equal values have one text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def digest(*parts: Any, length: int = 16) -> str:
    """Hex sha256 of arrays, tensors, bytes or JSON values, in order."""
    sha = hashlib.sha256()
    for given in parts:
        part = given.detach().cpu().numpy() if hasattr(given, "detach") else given
        if isinstance(part, np.ndarray):
            sha.update(f"{part.dtype.str}{part.shape}".encode())
            sha.update(np.ascontiguousarray(part).view(np.uint8).data if part.size else b"")
        else:
            sha.update(part if isinstance(part, bytes) else canonical_json(part).encode())
        sha.update(b"\0")
    return sha.hexdigest()[:length]


def seed_for(*axes: Any) -> int:
    """A 63-bit seed from its axes, e.g. ``seed_for("order", 3, epoch)``."""
    return int(digest(list(axes)), 16) >> 1


def generator(*axes: Any) -> torch.Generator:
    """A torch generator of its own for these axes. Global generators are never touched."""
    import torch

    return torch.Generator().manual_seed(seed_for(*axes))


def stream(ids: np.ndarray, *axes: Any) -> np.ndarray:
    """One uniform number in [0, 1) per id, from a counter-based generator (Philox) keyed by the axes.

    The number of an id depends on the id and the axes alone, so a subset of the data gets the same
    numbers as the whole.
    """
    if len(ids) == 0:
        return np.empty(0)
    last = int(ids.max())
    numbers = np.random.Generator(np.random.Philox(key=seed_for(*axes))).random(last + 1)
    if last + 1 == len(ids) and ids[0] == 0 and ids[-1] == last and bool(np.all(ids[1:] > ids[:-1])):
        return numbers
    return numbers[ids]
