"""The engines as compare.py sees them: build, answer, be timed, say what memory they took."""

import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
#: One thread in every library that would start its own; more are asked for by name where more are wanted.
ONE_THREAD = {
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "BLIS", "NUMEXPR", "TBB", "RAYON")}

Setting = dict[str, float]
Ids = np.ndarray[Any, np.dtype[np.int64]]


class Unavailable(Exception):
    """An engine that cannot take part, and why."""


class Task:
    """What every contestant is given."""

    def __init__(
        self, base_path: pathlib.Path, queries_path: pathlib.Path, groundtruth_path: pathlib.Path, metric: str,
        k: int, build_threads: int, core: int | None = None, clock: str = "wall",
    ) -> None:
        self.base_path, self.queries_path, self.groundtruth_path = base_path, queries_path, groundtruth_path
        self.metric, self.k, self.build_threads = metric, k, build_threads
        self.query_count, self.clock = 0, clock
        allowed = sorted(os.sched_getaffinity(0))
        self.search_core = allowed[-1] if core is None else core
        # The core that searches first, then the others: as many as a search has threads.
        self.cores = [self.search_core, *(other for other in allowed if other != self.search_core)]
        # As many cores as threads, so that a build cannot borrow more.
        self.build_cores = allowed[:build_threads]


def on_cores(cores: Sequence[int]) -> Callable[[], None]:
    return lambda: os.sched_setaffinity(0, cores)


class Contestant:
    """A Python engine in a worker process, which lives from its build to the end of the comparison."""

    def __init__(self, name: str, task: Task) -> None:
        self.name, self.task = name, task
        self.label, self.settings = name, ""
        self.chains: list[list[Setting]] = []
        self.process: subprocess.Popen[str] | None = None

    def _ask(self, **request: Any) -> dict[str, Any]:
        assert self.process and self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass  # it ended; what it last said is still to be read
        line = self.process.stdout.readline()
        if not line:
            raise Unavailable(self._last_words(self.process.wait()))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise Unavailable(answer["error"])
        return answer

    def _last_words(self, status: int) -> str:
        self.said.seek(0)
        lines = [line.strip() for line in self.said.read().decode(errors="replace").splitlines() if line.strip()]
        end = f"by signal {-status}" if status < 0 else f"with status {status}"
        return f"its process ended {end}{': ' + lines[-1][:200] if lines else ''}"

    def _start(self) -> None:
        self.close()
        task = self.task
        arguments = [self.name, task.base_path, task.queries_path, task.metric, task.k]
        # What libraries say while they work is kept, and its end shown if the process ends unasked.
        self.said = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), *map(str, arguments)], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.said,
            env={**os.environ, **ONE_THREAD})
        known = self._ask(do="describe")
        self.label = f"{self.name} {known['version']}".strip()
        self.settings, self.chains = known["settings"], known["chains"]

    def build(self) -> float:
        self._start()
        built = self._ask(do="build", threads=self.task.build_threads, cores=self.task.build_cores)
        self.settings = built["settings"]
        return float(built["seconds"])

    def answers(self, setting: Setting) -> tuple[Ids, float]:
        """Row numbers for every query, and the seconds that the call took, cold caches included."""
        with tempfile.NamedTemporaryFile(suffix=".npy") as file:
            seconds = self._ask(
                do="answers", setting=setting, file=file.name, cores=[self.task.search_core])["seconds"]
            return np.load(file.name), seconds

    def measure(self, setting: Setting, passes: int = 1, threads: int = 1) -> float:
        """Queries a second of the best of some passes over all queries, one batch each."""
        seconds = self._ask(
            do="measure", setting=setting, passes=passes, threads=threads,
            # Time of the processor adds up over threads: it can only stand for one.
            clock=self.task.clock if threads == 1 else "wall", cores=self.task.cores[:threads])["seconds"]
        return self.task.query_count / min(seconds)

    def memory(self) -> dict[str, Any]:
        growth = self._ask(do="memory")
        return {"bytes": growth["resident"], "kinds": growth}

    def details(self, settings: Sequence[Setting]) -> list[dict[str, Any]]:
        """What else is known of each setting: nothing for most."""
        return [{} for _ in settings]

    def close(self) -> None:
        if self.process:
            assert self.process.stdin and self.process.stdout
            self.process.stdin.close()
            self.process.wait()
            self.process.stdout.close()
            self.said.close()
            self.process = None


class Needletail(Contestant):
    """Built by its command line, the whole command timed; searched like the others, by its Python package."""

    def __init__(
        self, task: Task, tool: str, build_options: str, folder: str,
    ) -> None:
        super().__init__("needletail", task)
        self.tool, self.folder = tool, pathlib.Path(folder)
        self.build_options = shlex.split(build_options)
        self.builds = 0
        self.index = self.folder / "index-0"

    def _run(self, arguments: Sequence[object], cores: Sequence[int]) -> str:
        run = subprocess.run(
            [self.tool, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            preexec_fn=on_cores(cores))
        if run.returncode != 0:
            reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unavailable(f"`needletail {arguments[0]}` exited {run.returncode}: {reason}")
        return run.stdout

    def build(self) -> float:
        if not self.tool or not os.access(self.tool, os.X_OK):
            raise Unavailable("no executable: `make build`, or name it with --needletail")
        task, self.builds = self.task, self.builds + 1
        self.index = self.folder / f"index-{self.builds}"
        start = time.perf_counter()
        self._run(
            ["build", "--input", task.base_path, "--metric", task.metric, "--output", self.index,
             "--threads", task.build_threads, *self.build_options], task.build_cores)
        seconds = time.perf_counter() - start
        self._start()
        self._ask(do="open", directory=str(self.index))
        known = json.loads(self._run(["info", self.index, "--json"], task.build_cores))
        chosen = [f"{name} {known[name]}" for name in ("mode", "codes", "m", "efConstruction") if name in known]
        self.settings = f"build {' '.join(self.build_options) or 'at its defaults'}: {', '.join(chosen)}"
        return seconds

    def details(self, settings: Sequence[Setting]) -> list[dict[str, Any]]:
        """Evaluations and the time of single queries at each width, from the command line's own harness."""
        task = self.task
        widths = [int(setting["ef"]) for setting in settings]
        report = json.loads(self._run(
            ["evaluate", self.index, "--queries", task.queries_path, "--groundtruth", task.groundtruth_path,
             "--base", task.base_path, "--k", task.k, "--ef", ",".join(map(str, sorted(set(widths)))),
             "--threads", 1, "--repeats", 1, "--json"], [task.search_core]))
        known = {point["efSearch"]: point for point in report["points"]}
        names = ("evaluationsPerQuery", "hopsPerQuery", "p50Microseconds", "p99Microseconds")
        return [{
            **{name: known[width][name] for name in names}, "recallByItself": known[width]["recall"],
        } for width in widths]

    def evaluations(self, setting: Setting) -> list[int]:
        """Evaluations of each query at one width."""
        text = self._run(
            ["search", self.index, "--queries", self.task.queries_path, "--k", self.task.k, "--ef",
             int(setting["ef"]), "--json"], [self.task.search_core])
        return [answer["evaluations"] for answer in json.loads(text)["queries"]]

    def memory(self) -> dict[str, Any]:
        """Growth of anonymous memory plus what a search needs mapped: codes, graph, ids; not precise rows."""
        growth = self._ask(do="memory")
        known = json.loads(self._run(["info", self.index, "--json"], self.task.build_cores))
        mapped = sum(
            size for part, size in known["memory"].items()
            if part != "preciseRows" and known["placement"].get(part) == "mapped")
        return {
            "bytes": growth["anonymous"] + mapped, "kinds": {**growth, "mappedCodesGraphIds": mapped}}
