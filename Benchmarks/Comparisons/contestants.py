"""The engines as compare.py sees them: build, answer, be timed, say what memory they took."""

import json
import os
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent


class Unavailable(Exception):
    """An engine that cannot take part, and why."""


def on_cores(cores):
    return lambda: os.sched_setaffinity(0, cores)


class Rival:
    """A Python engine in a worker process, which lives from its build to the end of the comparison."""

    def __init__(self, name, task):
        self.name, self.task, self.process = name, task, None

    def _ask(self, **request):
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise Unavailable(f"its process ended (exit status {self.process.wait()})")
        answer = json.loads(line)
        if "error" in answer:
            raise Unavailable(answer["error"])
        return answer

    def build(self):
        self.close()
        task = self.task
        arguments = [
            self.name, task.base_path, task.queries_path, task.metric, task.k, task.m,
            task.ef_construction]
        check = subprocess.run(
            [sys.executable, "-c", f"import {self.name}"], capture_output=True, text=True)
        if check.returncode != 0:
            raise Unavailable("it is not installed here")
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), *map(str, arguments)], cwd=HERE, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        answer = self._ask(do="build", threads=task.build_threads, cores=task.build_cores)
        self.label, self.settings = f"{self.name} {answer['version']}", answer["settings"]
        return answer["seconds"]

    def answers(self, ef):
        with tempfile.NamedTemporaryFile(suffix=".npy") as file:
            self._ask(do="search", ef=ef, file=file.name, cores=[self.task.search_core])
            return np.load(file.name)

    def measure(self, efs, passes):
        result = {}
        for ef in efs:
            seconds = self._ask(do="measure", ef=ef, passes=passes, cores=[self.task.search_core])["seconds"]
            result[ef] = {"queriesPerSecond": self.task.query_count / min(seconds)}
        return result

    def memory(self):
        growth = self._ask(do="memory")
        return {"bytes": growth["resident"], "kinds": growth}

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()
            self.process = None


class Needletail:
    """The command line: `build` as a whole, `search` for the answers, `evaluate` for the time inside."""

    name = "needletail"

    def __init__(self, task, tool, build_options, folder):
        self.task, self.tool, self.folder = task, tool, pathlib.Path(folder)
        self.build_options = shlex.split(build_options)
        self.builds, self.index, self.report = 0, None, None

    def _run(self, arguments, cores):
        command = [self.tool, *map(str, arguments)]
        run = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=on_cores(cores))
        if run.returncode != 0:
            reason = (run.stderr.strip().splitlines() or ["no reason given"])[-1]
            raise Unavailable(f"`needletail {arguments[0]}` exited {run.returncode}: {reason}")
        return run.stdout

    def build(self):
        if not self.tool or not os.access(self.tool, os.X_OK):
            raise Unavailable("no executable: `make build`, or name it with --needletail")
        task, self.builds = self.task, self.builds + 1
        self.index = self.folder / f"index-{self.builds}"
        start = time.perf_counter()
        self._run(
            ["build", "--input", task.base_path, "--metric", task.metric, "--output", self.index,
             "--m", task.m, "--ef-construction", task.ef_construction,
             "--threads", task.build_threads, *self.build_options], task.build_cores)
        seconds = time.perf_counter() - start
        self.label = "needletail"
        self.settings = f"m={task.m}, efConstruction={task.ef_construction} {' '.join(self.build_options)}".strip()
        return seconds

    def answers(self, ef):
        text = self._run(
            ["search", self.index, "--queries", self.task.queries_path, "--k", self.task.k, "--ef", ef,
             "--json"], [self.task.search_core])
        ids = np.full((self.task.query_count, self.task.k), -1, dtype=np.int64)
        for row, answer in zip(ids, json.loads(text)["queries"]):
            found = [neighbor["id"] for neighbor in answer["neighbors"]]
            row[: len(found)] = found
        return ids

    def supports_repeats(self):
        """Whether `evaluate` can be told how many timed passes to make."""
        return "--repeats" in self._run(["evaluate", "--help"], self.task.build_cores)

    def measure(self, efs, passes):
        task = self.task
        arguments = [
            "evaluate", self.index, "--queries", task.queries_path, "--groundtruth",
            task.groundtruth_path, "--base", task.base_path, "--k", task.k, "--ef",
            ",".join(map(str, efs)), "--threads", 1, "--json"]
        if task.needletail_repeats:
            arguments += ["--repeats", passes]
        self.report = json.loads(self._run(arguments, [task.search_core]))
        return {
            point["efSearch"]: {key: point[key] for key in (
                "queriesPerSecond", "evaluationsPerQuery", "hopsPerQuery", "recall", "p50Microseconds",
                "p99Microseconds")}
            for point in self.report["points"]}

    def memory(self):
        """Growth of anonymous memory plus what a search needs mapped: codes, graph, ids; not precise rows."""
        memory, components = self.report["memory"], self.report["index"]["components"]
        before, after = memory.get("before") or {}, memory["after"]
        growth = after["anonymousBytes"] - before.get("anonymousBytes", 0)
        mapped = sum(
            c["bytes"] for c in components if c["placement"] == "mapped" and "precise" not in c["name"])
        kinds = {
            "anonymous": growth, "mappedCodesGraphIds": mapped,
            "fileBacked": after["fileBackedBytes"] - before.get("fileBackedBytes", 0)}
        return {"bytes": growth + mapped, "kinds": kinds}

    def close(self):
        pass
