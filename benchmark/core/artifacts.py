"""Arrays that are costly to make and kept by content: ``<folder>/<key>.npz`` with a json manifest, verified on every load.

The name of the file is the digest of all that decides its content. Two processes that build the same artifact write the same
bytes; one of them wins. A file that does not fit its manifest is named in the log and built again.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.core.errors import DataError
from benchmark.core.files import sha256_of, write_atomically

log = logging.getLogger(__name__)
Arrays = Mapping[str, np.ndarray]
Manifest = dict[str, Any]
SELF = "manifest_sha256"  # of all else that a manifest says


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
    array = _map(path)
    if array is None:
        buffer = io.BytesIO()
        np.save(buffer, make())
        write_atomically(path, buffer.getbuffer())
        _write_manifest(path, sha256_of(path), {})
        array = np.load(path, mmap_mode="c", allow_pickle=False)
    return array


def _map(path: Path) -> np.ndarray | None:
    try:
        manifest = _manifest(path)
        if path.is_file() and manifest is not None and sha256_of(path) == manifest["sha256"]:
            array: np.ndarray = np.load(path, mmap_mode="c", allow_pickle=False)
            return array
    except (OSError, DataError, ValueError):
        pass
    if path.exists():
        _say_altered(path)
    return None


def _read(path: Path) -> tuple[Arrays, Manifest] | None:
    try:
        content, manifest = path.read_bytes(), _manifest(path)
        if manifest is not None and hashlib.sha256(content).hexdigest() == manifest["sha256"]:
            with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
                return dict(arrays), manifest
    except FileNotFoundError:
        return None
    except (OSError, ValueError, zipfile.BadZipFile):
        pass
    _say_altered(path)
    return None


def _say_altered(path: Path) -> None:
    log.warning("%s was altered (its hash differs from its manifest): built again", path)


def _manifest(path: Path) -> Manifest | None:
    """Return what the manifest of an artifact says, if all of that is inside its own hash.

    Raises:
        OSError: there is none. ValueError: it is no JSON.
    """
    try:
        manifest = json.loads(path.with_suffix(".json").read_text(encoding="utf8"))
    except RecursionError:
        return None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("sha256"), str):
        return None
    return manifest if manifest.get(SELF) == _hash(manifest) else None


def _hash(manifest: Manifest) -> str:
    others = {key: value for key, value in manifest.items() if key != SELF}
    return hashlib.sha256(json.dumps(others, sort_keys=True).encode()).hexdigest()


def _write(path: Path, arrays: Arrays, manifest: Manifest) -> tuple[Arrays, Manifest]:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    content = buffer.getvalue()
    write_atomically(path, content)
    return arrays, _write_manifest(path, hashlib.sha256(content).hexdigest(), manifest)


def _write_manifest(path: Path, sha256: str, manifest: Manifest) -> Manifest:
    manifest = json.loads(json.dumps({"sha256": sha256, **manifest}))  # as it will be read: lists for tuples, words for numbered keys
    manifest[SELF] = _hash(manifest)
    write_atomically(path.with_suffix(".json"), json.dumps(manifest, indent=1).encode())
    return manifest
