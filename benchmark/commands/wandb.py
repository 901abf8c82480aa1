"""The commands wandb-sync and wandb-report."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from benchmark.board.dashboard import _own_entity, dashboard, offline_runs
from benchmark.config.options import options_of
from benchmark.core.errors import ConfigError
from benchmark.core.files import write_atomically


def report(arguments: Sequence[str]) -> int:
    """``wandb-report [entity=NAME]``: write the report's specification; with WANDB_API_KEY set, upload it too, to the key's own entity unless one is named.

    Raises:
        ConfigError: W&B has no such project yet.
    """
    own, paths, rest = options_of(arguments, entity="")
    if rest:
        raise ConfigError(f"wandb-report does not know {rest[0]!r}: give entity=NAME or paths.results=DIR")
    key = bool(os.environ.get("WANDB_API_KEY"))
    made = dashboard((own["entity"] or os.environ.get("WANDB_ENTITY") or _own_entity()) if key else None)
    path = paths.results / "local" / "wandb-report.json"
    try:
        model = made._to_model()  # asks a server for the project, if there is an entity
    except ValueError as error:
        raise ConfigError(f"wandb-report: {error} make wandb-sync creates it") from error
    write_atomically(path, model.model_dump_json(by_alias=True, indent=1).encode())
    print(f"report: {path}")
    if key:
        made.save()
        print(f"uploaded: {made.url}")
    else:
        print("not uploaded: WANDB_API_KEY is not set")
    return 0


def sync(arguments: Sequence[str]) -> int:
    """``wandb-sync``: upload the offline runs of a results folder.

    Raises:
        ConfigError: there is nothing to upload, no key, or something else was asked for.
    """
    _, paths, rest = options_of(arguments)
    if rest:
        raise ConfigError(f"wandb-sync does not know {rest[0]!r}: give paths.results=DIR")
    folders = offline_runs(paths.results)
    if not folders:
        raise ConfigError(f"{paths.results / 'wandb'} holds no offline run: make sweep LOGGER=wandb makes some")
    if not os.environ.get("WANDB_API_KEY"):
        raise ConfigError(f"WANDB_API_KEY is not set: set it to upload {len(folders)} runs")
    return subprocess.run([sys.executable, "-m", "wandb", "sync", *map(str, folders)], check=False).returncode
