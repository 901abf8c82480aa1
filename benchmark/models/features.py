"""Frozen features in place of images: computed once (``make features``), kept by content, read by every run with ``task.features=ENCODER``.

Images are encoded in shares of 1,000, each an artifact of its own: an interrupted computation goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.config.build import build, option, resolve_target
from benchmark.config.registry import names
from benchmark.core.artifacts import kept
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError, choices
from benchmark.core.types import Examples, Task
from benchmark.data.parts import as_numbers
from benchmark.data.reading import standardized
from benchmark.models.encoder import Encoder

SHARE, BATCH = 1000, 100


def encoder(name: str) -> Encoder:
    """An option of ``conf/encoder``, or else the ``transformers`` model of that name or folder.

    Raises:
        ConfigError: neither.
    """
    known = names("encoder")
    if name in known:
        config = option("encoder", name)
    elif "/" in name:
        config = option("encoder", "transformer") | {"backbone": name}
    else:
        raise ConfigError(f"encoder {name!r} does not exist: {choices(name, known)}, or a transformers model such as facebook/dinov2-small")
    made: Encoder = build(config, "encoder")
    return made


def encoded(images: Tensor, by: Encoder, cache: Path, missing: str | None = None, progress: Callable[[int], None] = lambda done: None) -> np.ndarray:
    """Features (E, D) float32 of images (E, C, H, W), from disk or computed now; kept with 16 bits.

    Args:
        missing: refuse to compute, with this message.
        progress: called with the number of images done.

    Raises:
        ConfigError: features are missing and may not be computed.
    """
    identity, parts = by.identity(), []
    network: Callable[[Tensor], Tensor] | None = None

    def make(share: Tensor) -> np.ndarray:
        nonlocal network
        if missing is not None:
            raise ConfigError(missing)
        network = network or by.load()
        with torch.inference_mode():
            return torch.cat([network(as_numbers(batch)) for batch in share.split(BATCH)]).half().numpy()

    for share in images.split(SHARE):
        path = cache / "features" / f"{digest(identity, share)}.npz"
        parts.append(kept(path, lambda share=share: ({"features": make(share)}, {"encoder": identity}))[0]["features"])  # type: ignore[misc]
        progress(sum(map(len, parts)))
    return np.concatenate(parts).astype(np.float32)


def check_model(noise_features: str | None, model: Mapping[str, Any]) -> None:
    """Noise does not depend on the features of the encoder that the networks of a cell begin as.

    Raises:
        ConfigError: it does.
    """
    if noise_features is not None:
        _check_apart(noise_features, encoder(noise_features), resolve_target(model, "model").begins_as(model), "model")


def _check_apart(name: str | None, of_noise: Encoder | None, of_methods: Encoder | None, where: str) -> None:
    if of_noise is not None and of_methods is not None and of_noise.weights() == of_methods.weights():
        raise ConfigError(f"task.noise_features={name} is the encoder of {where}: noise made from what methods see is refused, take another")


def with_features(task: Task, features: str | None, noise_features: str | None, cache: Path) -> Task:
    """The task with features of an encoder in place of its images, standardized by those of the training pool.

    Noise that depends on the input reads ``noise_features``, or the pixels: never the features that methods get.

    Raises:
        ConfigError: the two encoders are the same, the task has no images, or features were not computed yet.
    """
    if features is None and noise_features is None:
        return task
    if task.train.x.dim() != 4:
        raise ConfigError(f"task.features={features or noise_features}: {task.name} has no images to encode: leave it out")
    chosen, other = (None if name is None else encoder(name) for name in (features, noise_features))
    _check_apart(noise_features, other, chosen, "task.features")

    def read(images: Tensor, by: Encoder, name: str) -> np.ndarray:
        how = f"features of {task.name} by {name} were not computed yet: run 'make features ENCODER={name} TASK=' with this task"
        return encoded(images, by, cache, how)

    pool = task.train.x if task.val is None else torch.cat([task.train.x, task.val.x])
    own = task.features or (lambda: pool.flatten(1).numpy())
    task = replace(task, features=own if other is None else lambda: read(pool, other, str(noise_features)))
    if chosen is None:
        return task
    sides = [task.train, *([] if task.val is None else [task.val]), task.test]
    raw = np.concatenate([read(side.x, chosen, str(features)) for side in sides])
    known = np.arange(len(raw)) < len(raw) - len(task.test)
    x = torch.from_numpy(standardized(raw, known)).split([len(side) for side in sides])
    train, *val, test = (Examples(part, side.y) for part, side in zip(x, sides, strict=True))
    strange = task.foreign
    foreign = None if strange is None else lambda: torch.from_numpy(read(strange(), chosen, str(features)))
    return replace(task, train=train, val=val[0] if val else None, test=test, foreign=foreign)
