"""Names that do not drift: canonical JSON, digests and seeds.

A seed is derived from the *axes* it belongs to, never from the method, so that every method of a
cell sees the same split, flips, batch order and (where shapes agree) initial weights.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np


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
