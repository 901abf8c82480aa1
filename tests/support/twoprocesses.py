"""The same work in two processes."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from typing import Any

import torch.distributed as dist

from benchmark.core import parallel
from benchmark.running import processes

LIMIT = 300  # seconds after which two processes count as hung
fork = multiprocessing.get_context("fork")  # children have Lightning already


def both(work: Callable[[], Any]) -> list[Any]:
    """What ``work`` returns in each of two processes that have torchrun's environment."""
    store = dist.TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    pipes = [fork.Pipe(duplex=False) for _ in range(2)]
    children = [fork.Process(target=work_of_rank, args=(rank, store.port, work, end)) for rank, (_, end) in enumerate(pipes)]
    for child in children:
        child.start()
    try:
        assert all(out.poll(LIMIT) for out, _ in pipes), f"two processes have not ended in {LIMIT} s"
        return [out.recv() for out, _ in pipes]
    finally:
        for child in children:
            child.kill()
            child.join()


def work_of_rank(rank: int, port: int, work: Callable[[], Any], end: Any) -> None:
    group = {"RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    torchrun = {"TORCHELASTIC_RUN_ID": "test", "TORCHELASTIC_USE_AGENT_STORE": True, "GROUP_RANK": 0}
    os.environ.update({name: str(value) for name, value in (group | torchrun).items()})
    try:
        end.send(work())
    except Exception as error:
        end.send(repr(error))
    end.close()
    os._exit(0)  # as abrupt as a crash


def together(work: Callable[[], Any]) -> list[Any]:
    """The same inside one process group, at work."""

    def inside() -> Any:
        with processes.joined(), parallel.at_work():
            return work()

    return both(inside)
