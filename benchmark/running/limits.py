"""What a run may cost, and how a sweep ends early: limits become failed rows, SIGTERM lets the running seed end."""

from __future__ import annotations

import functools
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benchmark.core.files import writing

TOO_LONG = "the run took longer than limits.seconds"
DRAIN = "LABELNOISE_DRAIN"  # names a file; once it exists, no further seed is started, in whatever process


@contextmanager
def limited(seconds: float | None, memory_gb: float | None) -> Iterator[None]:
    """Raise in the body when it takes too long (TimeoutError) or allocates too much (MemoryError, or torch's RuntimeError).

    Time is watched by an alarm, so only in a main thread. Memory is the kernel's limit on private writable pages, counted from
    what the process has now.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if memory_gb is not None:
        resource.setrlimit(resource.RLIMIT_DATA, (int(_data_bytes() + memory_gb * 2**30), hard))
    alarm = seconds is not None and threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGALRM, _timeout) if alarm else None
    if alarm:
        signal.setitimer(signal.ITIMER_REAL, float(seconds or 0))
    try:
        yield
    finally:
        if alarm:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _timeout(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(TOO_LONG)


def _data_bytes() -> int:
    """Private writable memory of this process; 0 where the system does not tell."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmData")), 0)


def draining() -> bool:
    """Whether the sweep was asked to end."""
    path = os.environ.get(DRAIN)
    return bool(path) and Path(str(path)).exists()


def end_drained() -> NoReturn:
    """End the program of a sweep that was asked to end: as a shell tells it, 128 + SIGTERM."""
    print("drained: the running seeds have ended, no other was started; the same command goes on", file=sys.stderr)
    sys.exit(128 + signal.SIGTERM)


@contextmanager
def passing_on_sigterm() -> Iterator[None]:
    """In a process of a sweep: SIGTERM drains the sweep instead of ending the process.

    Who sets a handler last has the signal: this belongs around what is not to be interrupted, after whatever sets its own (Ray does).
    """
    path = os.environ.get(DRAIN)
    if path is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, functools.partial(_drain, Path(path)))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _drain(path: Path, number: int, frame: FrameType | None) -> None:
    if not path.exists():  # nothing was asked of this sweep: an earlier one of this process had the same file
        _came.pop((number, str(path)), None)
    end_if_again(number, str(path))
    path.touch()


_came: dict[tuple[int, str], float] = {}  # when a signal came first, by what it asked to end
BOUNCE = 1.0  # seconds: torchrun passes on to its processes what they have got themselves


def end_if_again(number: int, asked: str = "") -> None:
    """End this process by a signal that has come before: whoever asks twice does not want to wait.

    Args:
        number: of the signal.
        asked: what it is to end, such as one of several sweeps of this process.
    """
    now = time.monotonic()
    first = _came.setdefault((number, asked), now)
    if first < now - (BOUNCE if "TORCHELASTIC_RUN_ID" in os.environ else 0):
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


@contextmanager
def interrupted_once() -> Iterator[None]:
    """The first Ctrl-C raises KeyboardInterrupt in the body; the second ends the program, whatever it waits for."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        _came.pop((signal.SIGINT, ""), None)


def _interrupt(number: int, frame: FrameType | None) -> None:
    end_if_again(number)
    raise KeyboardInterrupt


@contextmanager
def drained_by_sigterm(folder: Path) -> Iterator[Callable[[], bool]]:
    """SIGTERM to this process makes every process of the sweep finish the seed that it runs and start no other one.

    Yields a function that tells, in the body, whether that happened.
    """
    path = folder / f"drain-{os.getpid()}"
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
    os.environ[DRAIN] = str(path)
    try:
        with passing_on_sigterm():
            yield path.exists
    finally:
        del os.environ[DRAIN]
        path.unlink(missing_ok=True)
