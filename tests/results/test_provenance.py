"""Where a row comes from."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib import metadata

import pytest

from benchmark.core.protocol import PROTOCOL_VERSION
from benchmark.results.provenance import environment


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    environment.cache_clear()
    yield
    environment.cache_clear()


def test_a_row_says_which_protocol_and_packages_made_it() -> None:
    found = environment()
    assert found["protocol_version"] == PROTOCOL_VERSION
    assert found["packages"]["torch"] == metadata.version("torch")


@pytest.mark.parametrize(("status", "dirty"), [(" M benchmark/api.py\n", True), ("\n", False)])
def test_only_changes_of_code_and_configuration_make_a_row_dirty(status: str, dirty: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def answer(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        asked.append(command)
        return subprocess.CompletedProcess(command, 0, status if "status" in command else "abc\n")

    monkeypatch.setattr(subprocess, "run", answer)
    assert (environment()["git"], environment()["dirty"]) == ("abc", dirty)
    assert [command for command in asked if "status" in command] == [["git", "status", "--porcelain", "--", "benchmark", "tasks", "conf"]]


def test_without_git_nobody_knows_the_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise FileNotFoundError("git")

    monkeypatch.setattr(subprocess, "run", fail)
    assert environment()["git"] is None
    assert environment()["dirty"] is False
