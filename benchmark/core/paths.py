"""Folders of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

ROOT = Path(__file__).resolve().parent.parent.parent
CONF = ROOT / "conf"
PLUGINS = str(Path(__file__).resolve().parent.parent / "plugins")  # where Hydra looks for the grid sweeper


@dataclass(frozen=True)
class Paths:
    """Folders of a run: data of the user, results, and what can be built again."""

    data: Path
    results: Path
    cache: Path

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Paths:
        """From the ``paths`` of a configuration; relative ones start at the project."""
        return cls(**{str(name): ROOT / Path(str(value)).expanduser() for name, value in config.items()})

    @classmethod
    def default(cls, **changed: str) -> Paths:
        """The ``paths`` of ``conf/config.yaml``, some of them changed."""
        return cls.of(OmegaConf.to_container(OmegaConf.load(CONF / "config.yaml"), resolve=True)["paths"] | changed)  # type: ignore[index,call-overload,operator]
