"""A tagger of a few words."""

from __future__ import annotations

import torch

from benchmark.config.build import build, load
from benchmark.models.base import InputShape, Network

SURFACES = ("", "Oslo", "oslo", "Tallinn", "õhk", "a-very-long-token-with-many-letters")
INPUTS = InputShape((4, 2), torch.int64, (7,), SURFACES)


def tagger(name: str = "bilstm", **options: object) -> Network:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made: Network = build(load("model", name, embedding=4, hidden=5, **options), "model", inputs=INPUTS, outputs=3)
    return made.eval()
