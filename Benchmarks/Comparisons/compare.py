#!/usr/bin/env python3
"""Measures Needletail beside other engines: same files, same threads, in turns, one judge.

    python3 compare.py --data DIR/debian-384 --metric cosine --json out.json --html out.html

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
ROOT = HERE.parents[1]


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, help="directory of the set")
    parser.add_argument("--metric", choices=("cosine", "l2", "ip"))
    parser.add_argument("--engines", help="names or families, in the order of each round (default: all)")
    parser.add_argument("--json", type=pathlib.Path, help="write everything measured to this file")
    parser.add_argument("--html", type=pathlib.Path, help="write a page with the plot of all frontiers")
    parser.add_argument("--points", action="store_true", help="print every point, not only the table")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1, help="2: also how our batch search scales to two")
    parser.add_argument("--build-threads", type=int, default=2)
    parser.add_argument("--builds", type=int, default=1, help="builds of each engine; the fastest counts")
    parser.add_argument("--rounds", type=int, default=3, help="engines take turns this often; best counts")
    parser.add_argument("--enough", type=float, default=0.995, help="recall at which a sweep may end")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall",
        help="cpu: time searches by the processor's clock, on a machine that does other work meanwhile")
    parser.add_argument("--core", type=int, help="the core that searches (default: the last one allowed)")
    parser.add_argument("--needletail", default=str(ROOT / ".build/release/needletail"))
    parser.add_argument(
        "--wheel", type=pathlib.Path, default=next(iter(sorted((ROOT / ".build/wheel").glob("*.whl"))), None),
        help="our Python package (default: what `make wheel` left)")
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
    if min(options.k, options.threads, options.build_threads, options.builds, options.rounds) < 1:
        parser.error("--k, --threads, --build-threads, --builds and --rounds are at least 1")
    return options


def main() -> None:
    options = parse()
    if not options.this_python:
        environment.enter(again=options.prepare, wheel=options.wheel)
    if options.prepare:
        return
    # What follows needs numpy, which the environment brings.
    import numpy as np

    import judge as judging
    import page
    import report
    import vectors
    from comparison import LEVELS, Comparison, say
    from contestants import Contestant, Needletail, Task
    from engines import ENGINES, named

    try:
        names = named(options.engines) if options.engines else list(ENGINES)
    except ValueError as error:
        raise SystemExit(f"compare: {error}") from None
    data = options.data.resolve()
    task = Task(
        vectors.find(data, "base"), vectors.find(data, "query", "queries"), data / "groundtruth.ibin",
        options.metric, options.k, options.build_threads, options.core, options.clock)
    base, queries = vectors.read(task.base_path), vectors.read(task.queries_path)
    truth_ids, _ = vectors.read_ground_truth(task.groundtruth_path)
    task.query_count = len(queries)
    judge = judging.Judge(base, queries, task.metric, truth_ids, task.k)
    with tempfile.TemporaryDirectory(prefix="needletail-compare-") as folder:
        contestants: list[Contestant] = [
            Needletail(task, options.needletail, options.build_options, folder)
            if name == "needletail" else Contestant(name, task) for name in names]
        comparison = Comparison(contestants, judge, options.enough)
        try:
            say(f"Builds, {task.build_threads} threads on cores {task.build_cores}:")
            comparison.build(options.builds)
            say(f"Recall, judged here; searches on core {task.search_core}:")
            comparison.sweep()
            comparison.time(options.rounds)
            comparison.weigh()
            comparison.tail()
            comparison.tuned()
            scaling = comparison.scaling(options.threads, options.rounds) if options.threads > 1 else None
        finally:
            comparison.close()

    document = {
        "data": options.data.name, "metric": task.metric, "rows": len(base),
        "dimensions": base.shape[1], "queries": len(queries), "k": task.k,
        "buildThreads": task.build_threads, "searchThreads": 1, "rounds": options.rounds,
        "clock": options.clock,
        "machine": {"system": platform.platform(), "processor": report.processor(), "cores": os.cpu_count()},
        "python": platform.python_version(), "numpy": np.__version__, **comparison.figures(),
    }
    if scaling:
        document["scaling"] = scaling
    if options.descending_norm:
        scan = judging.descending_norm_scan(base, queries, task.k, LEVELS)
        document["descendingNormScan"] = {f"{level:.2f}": count for level, count in scan.items()}
    print(report.text(document, LEVELS, options.points))
    for path, text in (
            (options.json, json.dumps(document, indent=2) + "\n"), (options.html, page.html(document, LEVELS))):
        if path:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"Written: {path}", file=sys.stderr)


if __name__ == "__main__":
    main()
