"""Whoever asks twice for an end gets it, whatever the program waits for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from benchmark.core.paths import ROOT
from benchmark.running.limits import drained_by_sigterm, draining, interrupted_once

WAITS = """
    import os, signal, sys, time
    from pathlib import Path
    from benchmark.running.limits import drained_by_sigterm, interrupted_once
    with interrupted_once(), drained_by_sigterm(Path(sys.argv[1])):
        while True:
            try:
                print("waiting", flush=True)
                while True:
                    time.sleep(0.01)
            except KeyboardInterrupt:
                pass  # a library that swallows it
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_program(number: signal.Signals, tmp_path: Path) -> None:
    words = [sys.executable, "-c", textwrap.dedent(WAITS), str(tmp_path)]
    child = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "waiting\n"
    child.send_signal(number)
    if number == signal.SIGINT:
        assert child.stdout.readline() == "waiting\n"  # the first was swallowed
    else:
        while not list(tmp_path.glob("drain-*")):
            assert child.poll() is None
    child.send_signal(number)
    assert child.wait(20) == -number


def test_a_later_sweep_of_the_process_counts_anew(tmp_path: Path) -> None:
    for _ in range(2):  # were the first sweep's signal remembered, the second one's would end this process
        with drained_by_sigterm(tmp_path):
            os.kill(os.getpid(), signal.SIGTERM)
            assert draining()


def test_the_first_interrupt_is_an_exception() -> None:
    before = signal.getsignal(signal.SIGINT)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), interrupted_once():
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before
