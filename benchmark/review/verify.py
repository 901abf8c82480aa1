"""Rows can be made again, bit for bit: run some of them once more and compare."""

from __future__ import annotations

from benchmark.results.row import Row


def differences(first: Row, second: Row) -> list[str]:
    """Names of the metrics, counts and digests in which two rows of one cell and seed differ. Seconds and memory may."""
    out = [name for name in sorted(first.metrics.keys() | second.metrics.keys()) if first.metrics.get(name) != second.metrics.get(name)]
    out += [name for name in ("forward", "backward", "epochs") if first.cost.get(name) != second.cost.get(name)]
    digests = ("test_digest", "train_digest", "noise_digest", "predictions_digest")
    return out + [name for name in digests if first.provenance.get(name) != second.provenance.get(name)]
