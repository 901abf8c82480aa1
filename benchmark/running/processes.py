"""The processes of one program that ``torchrun`` started, one a device: the first one is the program, the others take part in its runs.

Only the first reads the command line, decides what is due, prints and writes. Before each run it tells the others which; all of them train
it (``parallel.py``), and meet again at its end. torchrun's store, which every machine of the network reaches, carries numbers only; what
a run is stands in a file (``jobs.py``). SIGTERM lets the run end, as long as torchrun waits (half a minute).
"""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist

from benchmark.config.cells import Cell
from benchmark.core.errors import ConfigError, LaunchError
from benchmark.core.paths import Paths
from benchmark.core.seeds import Seed
from benchmark.running import jobs

TIMEOUT = timedelta(minutes=30)  # of everything that one process waits for from another
PATIENCE = timedelta(seconds=25)  # of a process that is through with a run, for those that may hang in the middle of it; torchrun kills after 30
BEGINS, ENDS = "1", "0"  # what the store says under the number of a run
APART = "another process of the run has died or hangs, its own message says more: finished rows are kept, the same command goes on"


@dataclass
class Team:
    """How the processes of this program talk."""

    store: dist.Store | None = None  # kept by torchrun
    folder: Path = Path()  # of the jobs
    runs: int = 0  # that were begun
    apart: bool = False  # one is not ended by all


_team = Team()


def count() -> int:
    """The processes of this program."""
    return dist.get_world_size() if _team.store is not None else 1


def led(run: Callable[[], int], take_part: Callable[..., object]) -> int:
    """Call ``run`` in the first process, to the end of which the others follow it; return an exit code.

    Args:
        run: the program.
        take_part: what the other processes do of a run, called with the job that ``shared`` was given.
    """
    with joined():
        if dist.get_rank() > 0:
            return _follow(take_part)
        try:
            return run()
        finally:
            if not _team.apart:
                _tell(ENDS)


@contextmanager
def joined() -> Iterator[None]:
    """Make torch's process group: gloo between CPUs, beside it what the accelerator has."""
    here, backend = int(os.environ["LOCAL_RANK"]), "gloo"
    if os.environ["LOCAL_WORLD_SIZE"] != os.environ["WORLD_SIZE"]:
        raise ConfigError("torchrun started processes on several machines: a run takes the devices of one, use --nnodes=1")
    device = torch.accelerator.current_accelerator(check_available=True)
    if device is not None and here < torch.accelerator.device_count():
        torch.accelerator.set_device_index(here)
        backend = f"cpu:gloo,{device.type}:{dist.get_default_backend_for_device(device)}"
    store, rank, size = next(dist.rendezvous("env://", timeout=TIMEOUT))
    dist.init_process_group(backend, store=dist.PrefixStore("group", store), rank=rank, world_size=size, timeout=TIMEOUT)
    _team.store, _team.runs, _team.apart = dist.PrefixStore("runs", store), 0, False
    _team.folder = jobs.folder_of_group()
    if rank == 0:
        jobs.make_folder(_team.folder)
    try:
        yield
    finally:
        _team.store = None
        if rank == 0:
            shutil.rmtree(_team.folder, ignore_errors=True)
        if not _team.apart:  # else it could wait for who does not come
            dist.destroy_process_group()


def check(devices: int, command: str) -> None:
    """Are there as many processes as a cell takes devices?

    Args:
        devices: of the cell.
        command: that starts it.

    Raises:
        ConfigError: no.
    """
    if devices == count():
        return
    if count() > 1:
        raise ConfigError(f"torchrun started {count()} processes, but trainer.devices={devices}: start as many as there are devices: {command}")
    raise ConfigError(f"trainer.devices={devices} takes a process for each device, and launcher=basic: {command}")


@contextmanager
def shared(cell: Cell, seed: Seed, paths: Paths) -> Iterator[None]:
    """In the first process: let the others take part in the run of the body. Alone, do nothing.

    Raises:
        LaunchError: they do not get to its end. The program has to end then: who waits for whom is not known.
    """
    if count() == 1:
        yield
        return
    if _team.apart:  # in an earlier cell of a sweep
        raise LaunchError(APART)
    jobs.write(_team.folder, _team.runs + 1, cell, seed, paths)
    _tell(BEGINS)
    _team.apart = True
    ended = False
    try:
        yield
        ended = True
    except Exception:
        ended = True  # an interrupt is not waited for
        raise
    finally:
        if ended and not _met(PATIENCE):
            raise LaunchError(APART)
        _team.apart = not ended


def _tell(what: str) -> None:
    """To the other processes: the next run, or that there is none."""
    assert _team.store is not None
    _team.runs += 1
    _team.store.set(f"job {_team.runs}", what)


def _met(patience: timedelta) -> bool:
    """Wait until every process is through with the current run; False if one is not in time."""
    assert _team.store is not None
    _team.store.set(f"end {_team.runs} {dist.get_rank()}", "")
    try:
        _team.store.wait([f"end {_team.runs} {rank}" for rank in range(count())], patience)
    except RuntimeError:
        _team.store.set("apart", "")
    return not _team.store.check(["apart"])


def _follow(take_part: Callable[..., object]) -> int:
    """Take part in the runs of the first process until there are no more. What fails there too is its business."""
    assert _team.store is not None
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the first process drains
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # and says what an interrupt means
    warnings.simplefilter("ignore")  # it says the same
    logging.disable()
    while True:
        _team.runs += 1
        _team.store.wait([f"job {_team.runs}"], TIMEOUT)
        if _team.store.get(f"job {_team.runs}") != BEGINS.encode():
            return 0
        failure, name = "", f"number {_team.runs}"
        try:
            job = jobs.read(_team.folder, _team.runs)
            name = str(job[0])
            take_part(*job)
        except Exception as error:
            failure = f"{type(error).__name__}: {error}"
        if not _met(PATIENCE if failure else TIMEOUT):
            print(f"error: process {dist.get_rank()} left the run of {name}: {failure or 'the others did not end it'}", file=sys.stderr)
            _team.apart = True
            return 1
