"""Names that do not drift: canonical JSON, digests, cell ids and seeds.

A seed is derived from the *axes* it belongs to, never from the method, so that every method of a
cell sees the same split, flips, batch order and (where shapes agree) initial weights.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.protocol import PROTOCOL_VERSION

if TYPE_CHECKING:
    import torch  # not at run time: status and board do without

ROOT = Path(__file__).resolve().parent.parent
AXES = ("task", "noise", "method", "model", "trainer")

# Where the code that can change a number starts; what these modules import belongs to it. Board, store and status do not.
ENGINE = ("benchmark.execution",)
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


def cell_id(configs: Mapping[str, Any]) -> str:
    """Hash of the resolved ``task, noise, method, model, trainer`` and the protocol version.

    Paths, logger, launcher and seeds are not identity. Numbers that are equal hash equally (1 and 1.0).
    """
    return digest({axis: _numbers(configs[axis]) for axis in AXES} | {"protocol": PROTOCOL_VERSION})


def _numbers(value: Any) -> Any:
    if type(value) in (str, int, bool, type(None)):  # most of them
        return value
    if isinstance(value, Mapping):
        return {str(key): _numbers(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


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


def source_digest(modules: Iterable[str]) -> str:
    """Digest of the syntax trees of the engine, of ``modules`` and of all they import from the suite.

    Comments, docstrings and layout do not count.
    """
    found: dict[str, str] = {}
    waiting = [*ENGINE, *modules]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name], imported = _module(name)
            waiting += imported
    return digest(sorted(found.items()))


@functools.cache
def _module(name: str) -> tuple[str, tuple[str, ...]]:
    """Digest of a module's syntax tree, and the modules of the suite that it imports."""
    tree = ast.parse(module_path(name).read_text(encoding="utf8"))
    imported = set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            del node.body[0]
        if isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            imported.update([node.module, *(f"{node.module}.{alias.name}" for alias in node.names)])
    ours = (m for m in imported if m.split(".")[0] in ("benchmark", "tasks"))
    return digest(ast.dump(tree)), tuple(sorted(m for m in ours if module_path(m).is_file()))


def module_path(name: str) -> Path:
    """Where the source of a module of the suite is or would be."""
    base = ROOT.joinpath(*name.split("."))
    return base / "__init__.py" if base.is_dir() else base.with_suffix(".py")
