"""What a launcher needs is named before anything is composed, and pinned."""

from __future__ import annotations

import pytest

from benchmark.config.installed import check_installed
from benchmark.config.registry import names
from benchmark.core.errors import ConfigError
from benchmark.core.paths import ROOT


def test_launchers_that_come_along_need_no_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.config.installed._installed", lambda name: False)
    for launcher in names("launcher"):
        if launcher in ("basic", "joblib"):
            check_installed(launcher)
        else:
            with pytest.raises(ConfigError):
                check_installed(launcher)


def test_every_extra_of_a_launcher_is_pinned() -> None:
    lock = (ROOT / "requirements-launchers.lock").read_text()
    for package in ("ray", "hydra-ray-launcher", "submitit", "hydra-submitit-launcher"):
        assert f"\n{package}==" in lock
