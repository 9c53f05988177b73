#!/usr/bin/env python3
"""Compares graphs, not engines: level 0 of Needletail's and of hnswlib's, walked by one plain exact walker.

    python3 graph_quality.py --data DIR/sift-200k --metric l2 [--data DIR --metric cosine] [--json FILE]

DATA holds base.fbin (or .u8bin, .i8bin, .npy), query.* (or queries.*) and groundtruth.ibin. README.md says what is
walked and how figures are obtained.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import shlex
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from graphs import Graph
    from walker import Walker

HERE = pathlib.Path(__file__).resolve().parent
COMPARISONS = HERE.parent / "Comparisons"
# Files are read, answers judged and figures interpolated as in the comparison of engines.
sys.path.insert(0, str(COMPARISONS))

import environment  # noqa: E402

LEVELS = (0.90, 0.95, 0.99)
WIDTHS = "10,12,14,16,20,24,28,32,40,48,56,64,80,96,112,128,160,192,224,256,320,384,448,512,640,800"
# What its README, its Python package and nearly every comparison use.
HNSWLIB_EF_CONSTRUCTION = 200
STARTS = ("sample", "medoid", "entry")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, action="append", help="directory of a set; may be repeated")
    parser.add_argument("--metric", choices=("cosine", "l2", "ip"), action="append", help="one for each --data")
    parser.add_argument("--json", type=pathlib.Path, help="write everything found to this file")
    parser.add_argument("--points", action="store_true", help="print every point, not only the table")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construction", type=int, help="of both; the defaults are Needletail's own, and 200 for hnswlib")
    parser.add_argument("--threads", type=int, default=2, help="of all builds")
    parser.add_argument("--builds", type=int, default=1, help="builds of each with other seeds; means count")
    parser.add_argument("--start", choices=STARTS, default="sample", help="where walks begin; see README.md")
    parser.add_argument("--queries", type=int, help="only the first so many queries")
    parser.add_argument("--ef", default=WIDTHS, help="the sweep, rising; it ends once --enough is reached")
    parser.add_argument("--enough", type=float, default=0.995, help="recall at which a sweep may end")
    parser.add_argument("--needletail", default=str(HERE.parents[1] / ".build/release/needletail"))
    parser.add_argument("--build-options", default="", help="more options for `needletail build`")
    parser.add_argument("--index", type=pathlib.Path, action="append",
                        help="a built index to walk, one for each --data, instead of building one")
    parser.add_argument("--this-python", action="store_true", help="use the running Python as it is")
    options = parser.parse_args()
    if not options.data or len(options.data) != len(options.metric or []):
        parser.error("--data and --metric say what to look at, one of each for every set")
    if options.index and len(options.index) != len(options.data):
        parser.error("--index needs one directory for each --data")
    options.widths = sorted({max(int(width), options.k) for width in options.ef.split(",")})
    return options


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def build_ours(options: argparse.Namespace, task: Task, folder: pathlib.Path, number: int) -> Graph:
    import graphs

    index = task.index or folder / f"index-{number}"
    if not task.index:
        command = [
            options.needletail, "build", "--input", str(task.base_path), "--metric", task.metric, "--output",
            str(index), "--m", str(options.m), "--threads", str(options.threads), "--seed", str(1 + number),
            *shlex.split(options.build_options)]
        if options.ef_construction:
            command += ["--ef-construction", str(options.ef_construction)]
        run = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if run.returncode != 0:
            raise SystemExit(f"`needletail build` exited {run.returncode}: {run.stderr.strip()}")
    return graphs.read_needletail(index)


def build_hnswlib(options: argparse.Namespace, task: Task, folder: pathlib.Path, number: int) -> Graph:
    import graphs
    import hnswlib

    index = hnswlib.Index(space=task.metric, dim=task.base.shape[1])
    index.init_index(
        len(task.base), ef_construction=options.ef_construction or HNSWLIB_EF_CONSTRUCTION, M=options.m,
        random_seed=100 + number)
    index.add_items(task.base, num_threads=options.threads)
    path = folder / "hnswlib.bin"
    index.save_index(str(path))
    del index
    return graphs.read_hnswlib(path)


class Task:
    """One set: what is walked, and what the walk is judged by."""

    def __init__(self, options: argparse.Namespace, data: pathlib.Path, metric: str,
                 index: pathlib.Path | None) -> None:
        import numpy as np

        import judge
        import vectors

        data = data.resolve()
        self.name, self.metric, self.index = data.name, metric, index
        self.base_path = vectors.find(data, "base")
        query_path = vectors.find(data, "query", "queries")
        self.base = vectors.read(self.base_path).astype(np.float32)
        queries = vectors.read(query_path)[: options.queries].astype(np.float32)
        truth = vectors.read_ground_truth(data / "groundtruth.ibin")[0][: options.queries]
        self.judge = judge.Judge(self.base, queries, metric, truth, options.k)
        self.rows, self.queries = self.base, queries
        if metric == "cosine":
            self.rows, self.queries = unit(self.base), unit(queries)

    @property
    def walked(self) -> str:
        return {"cosine": "1 − x·y of unit rows", "ip": "−(x·y)", "l2": "squared L2"}[self.metric]


def unit(rows: np.ndarray) -> np.ndarray:
    import numpy as np

    rows = rows.astype(np.float64)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def sample_starts(task: Task, share: int = 16, seed: int = 42, block: int = 256) -> np.ndarray:
    """The nearest row to each query among every `share`-th of the rows, drawn once: the same for all graphs."""
    import numpy as np

    count = max(1, len(task.rows) // share)
    drawn = np.sort(np.random.default_rng(seed).choice(len(task.rows), count, replace=False))
    rows = task.rows[drawn]
    squares = (rows * rows).sum(axis=1) / 2 if task.metric == "l2" else 0
    starts = [
        drawn[(task.queries[i : i + block] @ rows.T - squares).argmax(axis=1)]
        for i in range(0, len(task.queries), block)]
    return np.concatenate(starts)


def medoid(task: Task) -> int:
    """The row nearest to the mean of all; for inner product too, by squared L2."""
    import numpy as np

    mean = task.rows.mean(axis=0, dtype=np.float64)
    return int(((task.rows - mean) ** 2).sum(axis=1).argmin())


def starts_of(options: argparse.Namespace, task: Task, graph: Graph) -> np.ndarray:
    import numpy as np

    if options.start == "sample":
        return task.sample
    return np.full(len(task.queries), task.medoid if options.start == "medoid" else graph.entry)


def sweep(options: argparse.Namespace, task: Task, walker: Walker, graph: Graph) -> list[dict[str, Any]]:
    points = []
    for width in options.widths:
        found, evaluations, hops = walker.walk(graph.links, starts_of(options, task, graph), width, options.k)
        points.append({
            "width": width, "recall": task.judge.recall(found),
            "evaluationsPerQuery": float(evaluations.mean()), "hopsPerQuery": float(hops.mean())})
        if points[-1]["recall"] >= options.enough:
            break
    return points


def evaluations_at(points: list[dict[str, Any]], level: float) -> dict[str, Any]:
    """The fewest evaluations a query at a recall: between points of the frontier, their logarithm is linear in it.

    `how` is `interpolated`, `above` (the smallest width is above the level already: an upper bound) or
    `not reached`, as in the comparison of engines.
    """
    import numpy as np

    line, fewest = [], np.inf
    for point in sorted(points, key=lambda p: (-p["recall"], p["evaluationsPerQuery"])):
        if point["evaluationsPerQuery"] < fewest:
            fewest = point["evaluationsPerQuery"]
            line.insert(0, (point["recall"], fewest))
    recalls, counts = zip(*line)
    if recalls[-1] < level:
        return {"value": None, "how": "not reached"}
    value = float(np.exp(np.interp(level, recalls, np.log(counts))))
    return {"value": value, "how": "above" if level < recalls[0] else "interpolated"}


def recall_at(points: list[dict[str, Any]], evaluations: float) -> float | None:
    """Recall at a number of evaluations: linear in their logarithm; None outside of the sweep."""
    import numpy as np

    line = sorted((p["evaluationsPerQuery"], p["recall"]) for p in points)
    # The ends themselves belong to the sweep, whatever a logarithm and back made of them.
    if not line[0][0] * (1 - 1e-9) <= evaluations <= line[-1][0] * (1 + 1e-9):
        return None
    counts, recalls = zip(*line)
    return float(np.interp(np.log(evaluations), np.log(counts), recalls))


def mean_points(sweeps: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Sweeps over several builds as one: means at each width that all of them reached."""
    count = min(len(points) for points in sweeps)
    return [
        {"width": at[0]["width"], **{
            key: sum(p[key] for p in at) / len(at)
            for key in ("recall", "evaluationsPerQuery", "hopsPerQuery")}}
        for at in list(zip(*sweeps))[:count]]


def verdict(ours: list[dict[str, Any]], theirs: list[dict[str, Any]], level: float) -> dict[str, Any]:
    """Both recalls at the evaluations that hnswlib's graph needs for `level`.

    Where the smallest width of either is above the level already, they are compared at the fewest evaluations that
    both have. The recalls are None where the sweep of one does not reach so far.
    """
    count = evaluations_at(theirs, level)["value"]
    if count is None:
        return {"evaluations": None, "recall": None, "recallOfHnswlib": None,
                "met": evaluations_at(ours, level)["value"] is not None}
    count = max(count, ours[0]["evaluationsPerQuery"])
    mine, other = recall_at(ours, count), recall_at(theirs, count)
    return {"evaluations": count, "recall": mine, "recallOfHnswlib": other,
            "met": mine is not None and other is not None and mine >= other}


def look_at(options: argparse.Namespace, task: Task, folder: pathlib.Path) -> dict[str, Any]:
    """Builds both graphs of a set and walks them."""
    import walker as walking

    walker = walking.Walker(task.rows, task.queries, product=task.metric != "l2")
    if options.start == "sample":
        task.sample = sample_starts(task)
    elif options.start == "medoid":
        task.medoid = medoid(task)
    found = []
    for name, build in (("needletail", build_ours), ("hnswlib", build_hnswlib)):
        sweeps, degrees = [], []
        for number in range(1 if name == "needletail" and task.index else options.builds):
            start = time.perf_counter()
            graph = build(options, task, folder, number)
            sweeps.append(sweep(options, task, walker, graph))
            degrees.append(graph.degrees)
            say(f"  {task.name}, {name}: built and walked in {time.perf_counter() - start:.1f} s")
        points = mean_points(sweeps)
        found.append({
            "engine": name, "settings": graph.settings, "builds": len(sweeps), "levels": graph.levels,
            "meanDegree": float(sum(d.mean() for d in degrees) / len(degrees)),
            "leastDegree": int(min(d.min() for d in degrees)), "places": int(graph.links.shape[1]),
            "points": points, "sweeps": sweeps,
            "evaluationsAtRecall": {f"{level:.2f}": evaluations_at(points, level) for level in LEVELS}})
    ours, theirs = (graph["points"] for graph in found)
    return {
        "data": task.name, "metric": task.metric, "walked": task.walked, "rows": len(task.rows),
        "dimensions": task.rows.shape[1], "queries": len(task.queries), "k": options.k, "graphs": found,
        "atRecall": {f"{level:.2f}": verdict(ours, theirs, level) for level in LEVELS}}


def text(document: dict[str, Any], with_points: bool) -> str:
    import report

    rows = [["", "mean degree", *(cell for level in LEVELS for cell in (f"evals at {level:.2f}", ""))]]
    lines = []
    for entry in document["sets"]:
        theirs = entry["graphs"][-1]["evaluationsAtRecall"]
        for graph in entry["graphs"]:
            row = [f"{entry['data']}, {graph['engine']}", f"{graph['meanDegree']:.1f}"]
            for level in LEVELS:
                found = graph["evaluationsAtRecall"][f"{level:.2f}"]
                mark = "≤ " if found["how"] == "above" else ""
                row += [mark + report.grouped(found["value"]) if found["value"] else "–",
                        report.ratio(found["value"], theirs[f"{level:.2f}"]["value"])]
            rows.append(row)
    lines += report.columns(rows)
    lines += [
        "", f"Level 0 only, one exact Float walk for both graphs, k = {document['k']}; walks begin at"
        f" {STARTS_IN_WORDS[document['start']]}.",
        "Evaluations a query; the ratio is to hnswlib's graph, lower is better.  ≤: the smallest width is above"
        " that recall already.  –: no width reaches it."]
    for entry in document["sets"]:
        missed = [level for level, found in entry["atRecall"].items() if not found["met"]]
        lines.append(
            f"{entry['data']} ({entry['walked']}): "
            + (f"below hnswlib's graph at {', '.join(missed)}" if missed else "at or above hnswlib's graph")
            + "; recall at equal evaluations " + ", ".join(
                f"{found['recall']:.4f} for {found['recallOfHnswlib']:.4f} at {report.grouped(found['evaluations'])}"
                for found in entry["atRecall"].values() if found["recall"] and found["recallOfHnswlib"]) + ".")
        if with_points:
            for graph in entry["graphs"]:
                table = [[f"  {graph['engine']}, {graph['settings']}", "recall", "evaluations", "hops"]]
                table += [
                    [f"    width {p['width']}", f"{p['recall']:.4f}", f"{p['evaluationsPerQuery']:.1f}",
                     f"{p['hopsPerQuery']:.1f}"] for p in graph["points"]]
                lines += report.columns(table)
    return "\n".join(lines)


STARTS_IN_WORDS = {
    "sample": "the nearest of a sixteenth of the rows, drawn once for both, not counted",
    "medoid": "the row nearest to the mean of all",
    "entry": "each graph's own entry"}


def main() -> None:
    options = parse()
    if not options.this_python:
        environment.enter()
    import graphs
    import report

    sets = []
    with tempfile.TemporaryDirectory(prefix="needletail-graphs-") as folder:
        for i, (data, metric) in enumerate(zip(options.data, options.metric)):
            task = Task(options, data, metric, options.index[i] if options.index else None)
            place = pathlib.Path(folder) / str(i)
            place.mkdir()
            try:
                sets.append(look_at(options, task, place))
            except graphs.Damaged as fault:
                raise SystemExit(f"{task.name}: {fault}") from None
    document = {
        "k": options.k, "m": options.m, "efConstruction": options.ef_construction or "defaults",
        "buildThreads": options.threads, "start": options.start, "sets": sets,
        "machine": {"system": platform.platform(), "processor": report.processor(), "cores": os.cpu_count()}}
    print(text(document, options.points))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        say(f"Written: {options.json}")


if __name__ == "__main__":
    main()
