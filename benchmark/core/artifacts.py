"""Arrays that are costly to make and kept by content: ``<folder>/<key>.npz`` with a json manifest, verified on every load.

The name of the file is the digest of all that decides its content. Two processes that build the same artifact write the same
bytes; one of them wins. A file that does not fit its manifest is named in the log and built again.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.core.files import sha256_of, write_atomically

log = logging.getLogger(__name__)
Arrays = Mapping[str, np.ndarray]
Manifest = dict[str, Any]


def kept(path: Path, make: Callable[[], tuple[Arrays, Manifest]], anew: bool = False) -> tuple[Arrays, Manifest]:
    """The arrays of ``path`` (an .npz file) and their manifest, from disk or made now.

    Args:
        make: returns the arrays and what the manifest shall say beside their ``sha256``.
        anew: make them even if they are there.
    """
    found = None if anew else _read(path)
    return _write(path, *make()) if found is None else found


def mapped(path: Path, make: Callable[[], np.ndarray]) -> np.ndarray:
    """The large array of ``path`` (an .npy file), from disk or made now, as a private memory map: processes share its pages."""
    manifest = path.with_suffix(".json")
    if not path.is_file() or not manifest.is_file() or sha256_of(path) != json.loads(manifest.read_text(encoding="utf8")).get("sha256"):
        if path.is_file():
            log.warning("%s was altered (its hash differs from its manifest): built again", path)
        buffer = io.BytesIO()
        np.save(buffer, make())
        write_atomically(path, buffer.getbuffer())
        write_atomically(manifest, json.dumps({"sha256": sha256_of(path)}, indent=1).encode())
    array: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
    return array


def _read(path: Path) -> tuple[Arrays, Manifest] | None:
    try:
        content, manifest = path.read_bytes(), json.loads(path.with_suffix(".json").read_text(encoding="utf8"))
    except FileNotFoundError:
        return None
    except ValueError:
        content, manifest = b"", {}
    if not isinstance(manifest, dict) or hashlib.sha256(content).hexdigest() != manifest.get("sha256"):
        log.warning("%s was altered (its hash differs from its manifest): built again", path)
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return dict(arrays), manifest


def _write(path: Path, arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    content = buffer.getvalue()
    manifest = {"sha256": hashlib.sha256(content).hexdigest(), **manifest}
    write_atomically(path, content)
    write_atomically(path.with_suffix(".json"), json.dumps(manifest, indent=1).encode())
    return arrays, manifest
