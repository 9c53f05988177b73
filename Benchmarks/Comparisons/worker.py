"""One engine in a process of its own, driven by JSON lines: so that its memory and its threads are its own.

    python3 worker.py ENGINE BASE QUERIES METRIC K

Reads one request a line and answers each with one line; `contestants.py` is the other end. An answer with
`error` says why the engine cannot take part.
"""

import ctypes
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

import vectors
from engines import ENGINES, Unsupported

Request = dict[str, Any]
#: What a search is timed by: the wall's clock, or that of the processor for a machine that does other work.
CLOCKS: dict[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}


def resident() -> dict[str, int]:
    """Bytes of this process in memory: all, and those without a file behind them."""
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except OSError:
        pass  # another C library: freed memory may still be counted
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        fields = {line.split()[0]: int(line.split()[1]) * 1024 for line in file if line.endswith("kB\n")}
    return {"resident": fields["Rss:"], "anonymous": fields["Anonymous:"]}


def pin(cores: Iterable[int]) -> None:
    """Puts every thread of this process on `cores`; threads that it starts later inherit them."""
    for thread in os.listdir("/proc/self/task"):
        try:
            os.sched_setaffinity(int(thread), cores)
        except ProcessLookupError:
            pass  # it ended meanwhile


class Worker:
    """The engine, the rows it was made for, and what may be asked of it."""

    def __init__(self, name: str, base_path: str, queries_path: str, metric: str, k: int) -> None:
        self.k = k
        self.queries = np.ascontiguousarray(vectors.read(queries_path), dtype=np.float32)
        self.base = np.ascontiguousarray(vectors.read(base_path), dtype=np.float32)
        rows, dimensions = self.base.shape
        self.engine = ENGINES[name](rows, dimensions, metric)
        # The base stays in this process before and after, so that the difference is the engine's.
        self.before = resident()

    def describe(self, request: Request) -> Request:
        return {
            "version": self.engine.version(), "settings": self.engine.settings,
            "chains": self.engine.chains(self.k)}

    def build(self, request: Request) -> Request:
        pin(request["cores"])
        start = time.perf_counter()
        self.engine.build(self.base, request["threads"])
        # What suits the rows may only be known now.
        return {"seconds": time.perf_counter() - start, "settings": self.engine.settings}

    def open(self, request: Request) -> Request:
        self.engine.open(request["directory"])  # type: ignore[attr-defined]
        return {}

    def answers(self, request: Request) -> Request:
        pin(request["cores"])
        start = time.perf_counter()
        ids = self.engine.search(self.queries, self.k, request["setting"])
        seconds = time.perf_counter() - start
        ids = np.asarray(ids).astype(np.int64)
        # A number that is no row's is an answer, and a wrong one.
        np.save(request["file"], np.where(ids < len(self.base), ids, -1))
        return {"seconds": seconds}

    def measure(self, request: Request) -> Request:
        pin(request["cores"])
        seconds = []
        clock = CLOCKS[request["clock"]]
        # The first pass wakes caches and threads up, and is not counted.
        for number in range(1 + request["passes"]):
            start = clock()
            self.engine.search(self.queries, self.k, request["setting"], threads=request["threads"])
            if number:
                seconds.append(clock() - start)
        return {"seconds": seconds}

    def memory(self, request: Request) -> Request:
        after = resident()
        return {kind: after[kind] - self.before[kind] for kind in after}


def main() -> None:
    name, base_path, queries_path, metric, k = sys.argv[1:]
    # Only answers may reach the other end: what a library prints goes to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def say(answer: Request) -> None:
        answers.write(json.dumps(answer) + "\n")
        answers.flush()

    try:
        worker = Worker(name, base_path, queries_path, metric, int(k))
    except ImportError as error:
        say({"error": f"it is not installed here ({error})"})
        return
    except Unsupported as error:
        say({"error": str(error)})
        return
    except Exception as error:  # a library may raise what it likes
        say({"error": f"{type(error).__name__}: {error}"})
        return
    requests: dict[str, Callable[[Request], Request]] = {
        "describe": worker.describe, "build": worker.build, "open": worker.open, "answers": worker.answers,
        "measure": worker.measure, "memory": worker.memory}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = requests[request["do"]](request)
        except Exception as error:  # as above; an interrupt still ends this process
            answer = {"error": f"{type(error).__name__}: {error}"}
        say(answer)


if __name__ == "__main__":
    main()
