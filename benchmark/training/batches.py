"""Which examples a batch holds."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmark.core.seeds import generator
from benchmark.data.parts import Part

POOL = 32  # batches whose sentences are sorted together: of 16, a sixth of the tokens would be padding


def epoch_order(part: Part, batch_size: int, *axes: object) -> Tensor:
    """One permutation of the training examples per epoch. Phases filter it; the method is not part of its seed.

    Sentences are sorted by length inside pools of 32 batches, and the batches are shuffled, so that little is padded.
    """
    own = generator("order", *axes)
    order = torch.randperm(len(part), generator=own)
    if part.lengths is None:
        return order
    lengths = part.lengths.cpu()
    whole = len(order) // batch_size * batch_size
    pools = [pool[lengths[pool].argsort(stable=True)] for pool in order[:whole].split(POOL * batch_size)]
    batched = [batch for pool in pools for batch in pool.split(batch_size)]
    shuffled = [batched[i] for i in torch.randperm(len(batched), generator=own)]
    return torch.cat([*shuffled, order[whole:]])


def batches(indices: Tensor, size: int) -> Iterator[Tensor]:
    """Consecutive batches; a last batch of one example is left out (batch statistics need two)."""
    for batch in indices.split(size):
        if len(batch) > 1:
            yield batch


def cycle(indices: Tensor, size: int, steps: int, seed: int) -> list[Tensor]:
    """``steps`` batches from ``indices``, reshuffled each time it is used up."""
    own = torch.Generator().manual_seed(seed)
    need, drawn = steps * size, []
    while need > 0 and len(indices):
        drawn.append(indices[torch.randperm(len(indices), generator=own)])
        need -= len(indices)
    flat = torch.cat(drawn) if drawn else indices
    return list(flat.split(size)[:steps])
