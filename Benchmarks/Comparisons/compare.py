#!/usr/bin/env python3
"""Measures Needletail beside hnswlib, faiss and usearch: same files, same threads, in turn, one judge.

    python3 compare.py --data ../../../sets/debian-384 --metric cosine --json out.json

DATA holds base.fbin (or .u8bin, .i8bin, .npy), query.* (or queries.*) and groundtruth.ibin. The first run makes a
virtual environment beside this file. README.md says how each figure is obtained.
"""

import argparse
import json
import os
import pathlib
import platform
import sys
import tempfile

import environment

HERE = pathlib.Path(__file__).resolve().parent
ENGINES = ("hnswlib", "faiss", "usearch", "needletail")
LEVELS = (0.90, 0.95, 0.99)
WIDTHS = "10,12,14,16,20,24,28,32,40,48,56,64,80,96,112,128,160,192,224,256,320,384,448,512,640,800"


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="directory of the set")
    parser.add_argument("--metric", choices=("cosine", "l2", "ip"))
    parser.add_argument("--engines", default=",".join(ENGINES), help="in the order of each round")
    parser.add_argument("--json", type=pathlib.Path, help="write everything measured to this file")
    parser.add_argument("--points", action="store_true", help="print every point, not only the table")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--m", type=int, default=16)
    parser.add_argument("--ef-construction", type=int, default=200)
    parser.add_argument("--build-threads", type=int, default=2)
    parser.add_argument("--builds", type=int, default=1, help="builds of each engine; the fastest counts")
    parser.add_argument("--rounds", type=int, default=3, help="engines take turns this often; best counts")
    parser.add_argument("--ef", default=WIDTHS, help="the sweep, rising; it ends once --enough is reached")
    parser.add_argument("--enough", type=float, default=0.995, help="recall at which a sweep may end")
    parser.add_argument("--core", type=int, help="the core that searches (default: the last one allowed)")
    parser.add_argument("--needletail", default=str(HERE.parents[1] / ".build/release/needletail"))
    parser.add_argument("--build-options", default="", help="more options for `needletail build`")
    parser.add_argument(
        "--descending-norm", action="store_true",
        help="ip only: also the evaluations of a scan by falling norm that reaches each recall")
    parser.add_argument("--prepare", action="store_true", help="make the virtual environment anew, and end")
    parser.add_argument("--this-python", action="store_true", help="use the running Python as it is")
    options = parser.parse_args()
    if not options.prepare and not (options.data and options.metric):
        parser.error("--data and --metric say what to measure")
    if options.descending_norm and options.metric != "ip":
        parser.error("--descending-norm is about inner product: --metric ip")
    options.engines = [name for name in options.engines.split(",") if name]
    for name in options.engines:
        if name not in ENGINES:
            parser.error(f"no engine is called {name!r}; there are {', '.join(ENGINES)}")
    options.widths = sorted({max(int(width), options.k) for width in options.ef.split(",")})
    return options


def say(text):
    print(text, file=sys.stderr, flush=True)


class Task:
    """What every contestant is given."""

    def __init__(self, options, vectors):
        self.metric, self.k, self.m = options.metric, options.k, options.m
        self.ef_construction, self.build_threads = options.ef_construction, options.build_threads
        data = options.data.resolve()
        self.base_path = vectors.find(data, "base")
        try:
            self.queries_path = vectors.find(data, "query")
        except SystemExit:
            self.queries_path = vectors.find(data, "queries")
        self.groundtruth_path = data / "groundtruth.ibin"
        allowed = sorted(os.sched_getaffinity(0))
        self.search_core = allowed[-1] if options.core is None else options.core
        # As many cores as threads, so that a build cannot borrow more.
        self.build_cores = allowed[: options.build_threads]
        self.needletail_repeats = False
        self.query_count = 0


def attempt(contestants, work):
    """Runs `work` on each contestant; one that fails is reported and leaves."""
    from contestants import Unavailable

    for contestant in list(contestants):
        try:
            work(contestant)
        except Unavailable as reason:
            say(f"{contestant.name} is left out: {reason}")
            contestant.close()
            contestants.remove(contestant)


def compare(options, task, contestants, judge):
    """Builds, judges, then times in turn. Returns one entry for each contestant that took part."""
    results = {c.name: {"engine": c.name, "points": {}} for c in contestants}

    def build(contestant):
        seconds = []
        for _ in range(options.builds):
            seconds.append(contestant.build())
            say(f"  {contestant.name}: built in {seconds[-1]:.1f} s")
        results[contestant.name].update(
            label=contestant.label, settings=contestant.settings, buildSeconds=min(seconds))

    def sweep(contestant):
        points = results[contestant.name]["points"]
        for width in options.widths:
            points[width] = {"efSearch": width, "recall": judge.recall(contestant.answers(width))}
            if points[width]["recall"] >= options.enough:
                break
        say(f"  {contestant.name}: recall {min(p['recall'] for p in points.values()):.4f}"
            f" to {max(p['recall'] for p in points.values()):.4f} at efSearch"
            f" {min(points)} to {max(points)}")

    def time(contestant):
        points, strayed = results[contestant.name]["points"], []
        for width, found in contestant.measure(list(points), passes).items():
            point = points[width]
            own = found.pop("recall", None)
            if own is not None and abs(own - point["recall"]) > 1e-4:
                strayed.append(f"{own:.4f} for {point['recall']:.4f} at efSearch {width}")
            if found["queriesPerSecond"] > point.get("queriesPerSecond", 0):
                point.update(found)
        if strayed:
            say(f"  {contestant.name} judges itself otherwise in {len(strayed)} of {len(points)} points, as"
                f" in {strayed[0]}; the recall computed here counts")

    def weigh(contestant):
        results[contestant.name]["memory"] = contestant.memory()

    say(f"Builds, {options.build_threads} threads on cores {task.build_cores}:")
    attempt(contestants, build)
    say("Recall, judged here:")
    attempt(contestants, sweep)
    # Where `evaluate` cannot be told otherwise it makes three passes; then everybody does.
    ours = [c for c in contestants if c.name == "needletail"]
    task.needletail_repeats = any(c.supports_repeats() for c in ours)
    passes = 1 if task.needletail_repeats or not ours else 3
    for number in range(options.rounds):
        say(f"Round {number + 1} of {options.rounds}, one thread on core {task.search_core} …")
        attempt(contestants, time)
    attempt(contestants, weigh)
    return [
        {**results[c.name], "points": list(results[c.name]["points"].values())} for c in contestants]


def main():
    options = parse()
    if not options.this_python:
        environment.enter(again=options.prepare)
    if options.prepare:
        return
    import numpy as np

    import judge as judging
    import report
    import vectors
    from contestants import Needletail, Rival

    task = Task(options, vectors)
    base, queries = vectors.read(task.base_path), vectors.read(task.queries_path)
    truth_ids, _ = vectors.read_ground_truth(task.groundtruth_path)
    task.query_count = len(queries)
    judge = judging.Judge(base, queries, task.metric, truth_ids, task.k)
    with tempfile.TemporaryDirectory(prefix="needletail-compare-") as folder:
        contestants = [
            Needletail(task, options.needletail, options.build_options, folder)
            if name == "needletail" else Rival(name, task) for name in options.engines]
        results = compare(options, task, contestants, judge) if contestants else []
        for contestant in contestants:
            contestant.close()

    document = {
        "data": options.data.name, "metric": task.metric, "rows": len(base),
        "dimensions": base.shape[1], "queries": len(queries), "k": task.k,
        "buildThreads": task.build_threads, "searchThreads": 1, "rounds": options.rounds,
        "machine": {"system": platform.platform(), "processor": report.processor(),
                    "cores": os.cpu_count()},
        "python": platform.python_version(), "numpy": np.__version__, "engines": results,
    }
    for result in results:
        result["atRecall"] = {
            f"{level:.2f}": judging.at_recall(result["points"], level) for level in LEVELS}
        if any("evaluationsPerQuery" in point for point in result["points"]):
            # More evaluations are worse, so the frontier is one of queries per evaluation.
            inverse = [{**p, "perEvaluation": 1 / p["evaluationsPerQuery"]} for p in result["points"]]
            found = {level: judging.at_recall(inverse, level, "perEvaluation") for level in LEVELS}
            result["evaluationsAtRecall"] = {
                f"{level:.2f}": {"value": value["value"] and 1 / value["value"], "how": value["how"]}
                for level, value in found.items()}
    if options.descending_norm:
        scan = judging.descending_norm_scan(base, queries, task.k, LEVELS)
        document["descendingNormScan"] = {f"{level:.2f}": count for level, count in scan.items()}
    print(report.text(document, LEVELS, options.points))
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        say(f"Written: {options.json}")


if __name__ == "__main__":
    main()
