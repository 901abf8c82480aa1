"""Faults that are inflicted on sweeps and stores, with the count survived: ``make faults`` prints the table of docs/faults.md."""

from __future__ import annotations

import importlib
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from benchmark.config.options import options_of
from benchmark.core.digests import digest
from benchmark.core.errors import ConfigError
from benchmark.core.protocol import AXES
from benchmark.core.seeds import Seed
from benchmark.results.row import Row
from benchmark.results.store import Store
from benchmark.review.verify import differences

SWEEP = ("experiment=smoke", "task=digits", "noise=symmetric", "method=erm,gce", "model=linear", "launcher=basic")  # 2 cells
LIMIT = 300.0  # seconds after which a sweep of these cells counts as hung
KIND = {"task": {"problem": "multiclass"}}  # configuration of made-up rows: a row says of which type its task is
LOADED = (
    "pytorch_lightning",
    "benchmark.commands.run",
    "benchmark.running.runner",
    "benchmark.training.learner",
    "benchmark.board.leaderboard",
    "benchmark.running.progress",
    "tasks.digits",
)
fork = multiprocessing.get_context("fork")  # children have Lightning already: a kill hits the sweep, not its imports


def faults(arguments: Sequence[str]) -> int:
    """``faults kills=50 rows=10000``: inflict, count, print a markdown table.

    Returns:
        0 if everything was survived, 1 otherwise.
    """
    given, _, rest = options_of(arguments, kills="50", rows="10000")
    if rest or not all(value.isdigit() and int(value) for value in given.values()):
        raise ConfigError("faults takes kills= and rows=, positive integers")
    number, rows = int(given["kills"]), int(given["rows"])
    with tempfile.TemporaryDirectory() as folder:
        survived, moments = kills(Path(folder) / "kills", number)
        kept = race(Path(folder) / "race", 8, rows)
    print("| fault | inflicted | survived |\n|---|---|---|")
    print(f"| SIGKILL between {min(moments):.2f} and {max(moments):.2f} of a sweep's time, then the same command | {number} | {survived} |")
    print(f"| rows that 8 processes race to write | {rows} | {kept} |")
    return int((survived, kept) != (number, rows))


def start(results: Path, *arguments: str) -> BaseProcess:
    """``python -m benchmark`` with ``SWEEP`` in a child; what it prints goes to ``<results>.log``."""
    for name in LOADED:
        importlib.import_module(name)
    child = fork.Process(target=_command, args=(results, [*SWEEP, f"paths.results={results}", f"paths.cache={results}/cache", *arguments]))
    child.start()
    return child


def _command(results: Path, arguments: list[str]) -> None:
    from benchmark.__main__ import main

    results.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(results.with_suffix(".log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
    sys.argv = ["benchmark", *arguments]
    sys.exit(main())


def ended(child: BaseProcess, limit: float = LIMIT) -> int:
    """Wait for the end of a child; its exit code, -signal where it was killed.

    Raises:
        TimeoutError: it does not end in ``limit`` seconds; it is killed.
    """
    child.join(limit)
    if child.exitcode is None:
        child.kill()
        child.join(limit)
        raise TimeoutError(f"a sweep of two cells has not ended in {limit:.0f} s")
    return child.exitcode


def finish(results: Path, *arguments: str) -> dict[tuple[str, Seed], Row]:
    """Run the sweep to its end and return its rows.

    Raises:
        ChildProcessError: it did not end well.
        TimeoutError: it did not end.
    """
    code = ended(start(results, *arguments))
    if code != 0:
        raise ChildProcessError(f"exit code {code}: {results.with_suffix('.log').read_text(encoding='utf8')[-500:]}")
    return {(row.cell, row.seed): row for row in Store(results).rows()}


def kills(folder: Path, number: int) -> tuple[int, list[float]]:
    """Kill a new sweep at a random moment, run the same command again, compare its rows with those of a sweep that nobody disturbed.

    Returns:
        How often the rows were the same, and the moments as shares of the undisturbed time.
    """
    expected = finish(folder / "undisturbed")
    begin = time.perf_counter()
    finish(folder / "timed")
    whole = time.perf_counter() - begin
    generator, survived, moments = random.Random(0), 0, list[float]()
    while len(moments) < number:
        results, moment = folder / f"killed-{len(moments)}", generator.random()
        child = start(results)
        child.join(moment * whole)
        if child.exitcode is not None:  # this one was faster
            continue
        child.kill()
        ended(child)
        moments.append(moment)
        found = finish(results)
        survived += found.keys() == expected.keys() and not any(differences(row, expected[key]) for key, row in found.items())
    return survived, moments


def race(folder: Path, writers: int, rows: int) -> int:
    """Let every row be written by two processes at once: own ones and those of the next writer.

    Returns:
        How many rows one writer, and only one, has placed and everybody can read as that writer's.
    """
    with fork.Pool(writers) as pool:
        writing = pool.starmap_async(_write, [(folder, writer, writers, rows) for writer in range(writers)], chunksize=1)
        placed = writing.get(LIMIT + rows / 10)
    found = {row.cell: int(row.metrics["writer"]) for row in Store(folder).rows()}
    claims = [(cell, writer) for writer, cells in enumerate(placed) for cell in cells]
    return len(found) if sorted(claims) == sorted(found.items()) else 0


def _write(folder: Path, writer: int, writers: int, rows: int) -> list[str]:
    """Cells of the rows that this writer has placed."""
    names: dict[str, Any] = dict.fromkeys(AXES, "race")
    mine = [i for i in range(rows) if i % writers in (writer, (writer + 1) % writers)]
    made = (Row(cell=digest("race", i), seed=(0, 0, 0), status="ok", labels=names, metrics={"writer": writer}, config=KIND, **names) for i in mine)
    return [row.cell for row in made if Store(folder).write(row)]
