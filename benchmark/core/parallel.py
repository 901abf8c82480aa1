"""One run on several devices: each process encodes its share of every batch, and all of them see the whole of it.

P processes hold the same weights. Of a batch x each encodes its share, f_r = enc(x_r; w), and the features are gathered: every process
computes the objective L(f_1 ... f_P; v) of the whole batch, with heads and whatever else the method trains in v. Memories, rankings,
permutations and thresholds are so the same everywhere, and those of a run on one device. Process r finds dL/dv in full, and from its own
slice of the features' gradient its part of

    dL/dw = sum over r of (df_r / dw)^T dL/df_r.

The slice is multiplied by P on its way back. Then the mean over processes of any gradient is that of the whole batch: of w, because
P times a P-th of the sum is the sum, and of v, because P equal gradients have themselves as mean. Nothing has to know which parameter is
which, processes cannot drift apart, and a further backward pass may add to a gradient that is a mean already.

Results are those of one device up to the order of summation, with two exceptions: dropout draws other masks, and batch norm on a CPU uses
the statistics of the share (on GPUs torch's SyncBatchNorm takes those of the whole batch).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

T = TypeVar("T")


class _Work:
    """Whether the processes of this program are at work together."""

    shared = False
    rows: int | None = None  # of the batch whose share is on its way through ``encoded``


@contextmanager
def at_work(together: bool = True) -> Iterator[None]:
    """In the body all processes do the same, if they do so ``together``: what passes through ``encoded``, ``averaging`` and ``agreed`` is exchanged."""
    _Work.shared = together
    try:
        yield
    finally:
        _Work.shared = False


def size() -> int:
    """P, the processes that work on the current run."""
    return dist.get_world_size() if _Work.shared else 1


def rank() -> int:
    """Which of them this one is."""
    return dist.get_rank() if _Work.shared else 0


def agreed(value: T) -> T:
    """The first process's value, for all: where an accidental difference would make processes wait for each other."""
    if size() == 1:
        return value
    said = [value]
    dist.broadcast_object_list(said, src=0)
    return said[0]


def encoded(encode: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """``encode(x)``, (B, ...) -> (B, ..., D), of which this process makes ceil(B / P) rows.

    A batch that P does not divide is filled up from its beginning, so that shares are equal; what is too much is cut off again, and has no gradient.
    """
    if size() == 1:
        return encode(x)
    share = -(-len(x) // size())
    own = torch.arange(rank() * share, (rank() + 1) * share, device=x.device) % len(x)
    _Work.rows = len(x)
    try:
        features = encode(x[own])
    finally:
        _Work.rows = None
    whole: Tensor = _Gathered.apply(features, rank(), size())
    return whole[: len(x)]


def rows(x: Tensor) -> int:
    """Return the rows of the batch that ``x`` (B, ...) is, or is this process's share of."""
    return len(x) if _Work.rows is None else _Work.rows


class _Gathered(torch.autograd.Function):
    """(n, ...) of each of P processes -> (P n, ...); the gradient is P times the own slice."""

    @staticmethod
    def forward(ctx: Any, own: Tensor, rank: int, size: int) -> Tensor:
        ctx.rank, ctx.size = rank, size
        whole = own.new_empty(size * len(own), *own.shape[1:])
        dist.all_gather(list(whole.chunk(size)), own.contiguous())
        return whole

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0].chunk(ctx.size)[ctx.rank] * ctx.size, None, None


def averaging(parameters: Iterable[nn.Parameter]) -> Callable[[Tensor], None]:
    """A backward pass after which every gradient is the mean over processes. One exchange, of all gradients together.

    Sparse gradients stay: only tables of a method have them, which every process finds in full.
    """
    trained = list(parameters)

    def backward(loss: Tensor) -> None:
        loss.backward()
        gradients = [p.grad for p in trained if p.grad is not None and not p.grad.is_sparse]
        if gradients:
            flat = torch.cat([gradient.flatten() for gradient in gradients])
            dist.all_reduce(flat)
            flat /= dist.get_world_size()
            pieces = flat.split([gradient.numel() for gradient in gradients])
            torch._foreach_copy_(gradients, [piece.view(gradient.shape) for piece, gradient in zip(pieces, gradients, strict=True)])

    return backward
