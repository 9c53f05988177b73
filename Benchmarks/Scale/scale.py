#!/usr/bin/env python3
"""How cost grows with the number of rows: builds and searches nested prefixes of each set with the command line.

    python3 scale.py --mixture 2000000 --data DIR/sift-200k --metric l2 --html scale.html

DATA holds base.fbin (or .u8bin, .i8bin) and query.* (or queries.*). Ground truth is computed for every prefix. Slopes,
table and page are made by `needletail report scale` from the figures that this program gathers. Needs no package.
"""

import argparse
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any

HERE = pathlib.Path(__file__).resolve().parent
COMPONENT_BYTES = {".fbin": 4, ".u8bin": 1, ".i8bin": 1}
WIDTHS = "10,12,14,16,20,24,28,32,40,48,56,64,80,96,112,128,160,192,256,320,384,512,640,800,1024"


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, action="append", default=[],
                        help="directory of a set; may be repeated")
    parser.add_argument("--metric", choices=("cosine", "l2", "ip"), action="append", default=[],
                        help="one for each --data")
    parser.add_argument("--mixture", type=int, metavar="ROWS", help="also the generated set with so many rows")
    parser.add_argument("--folder", type=pathlib.Path, default=HERE.parents[1] / ".build/scale",
                        help="for the generated set and what is made in between (default: .build/scale)")
    parser.add_argument("--least", type=int, default=10_000, help="rows of the smallest prefix")
    parser.add_argument("--prefixes", type=int, default=5, help="prefixes, equally far apart in the logarithm")
    parser.add_argument("--recall", type=float, default=0.95, help="the recall at which costs are compared")
    parser.add_argument("--k", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2, help="of the builds; searches run on one")
    parser.add_argument("--builds", type=int, default=1, help="builds of each prefix; the fastest counts")
    parser.add_argument("--repeats", type=int, default=5, help="timed runs at each width; the best counts")
    parser.add_argument("--ef", default=WIDTHS, help="the first sweep, rising; a finer one follows at the recall")
    parser.add_argument("--needletail", default=str(HERE.parents[1] / ".build/release/needletail"))
    parser.add_argument("--build-options", default="", help="more options for `needletail build`")
    parser.add_argument("--json", type=pathlib.Path, help="write all figures to this file")
    parser.add_argument("--html", type=pathlib.Path, help="write a page with the plots to this file")
    options = parser.parse_args()
    if len(options.data) != len(options.metric) or not (options.data or options.mixture):
        parser.error("name sets with --data and --metric, one of each for every set, or --mixture ROWS")
    if options.prefixes < 2 or options.least < 1:
        parser.error("a slope needs at least two prefixes of at least one row")
    options.widths = sorted({max(int(width), options.k) for width in options.ef.split(",")})
    return options


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def call(options: argparse.Namespace, *arguments: Any) -> tuple[dict[str, Any], tuple[float, float]]:
    """Runs the command line; returns its document, and the seconds that the whole process took: on the clock, and
    of processors, which other work on the machine changes less."""
    before, start = os.times(), time.perf_counter()
    run = subprocess.run(
        [options.needletail, *map(str, arguments), "--json"], stdin=subprocess.DEVNULL, capture_output=True,
        text=True)
    seconds, after = time.perf_counter() - start, os.times()
    processors = sum(after[2:4]) - sum(before[2:4])
    if run.returncode != 0:
        raise SystemExit(f"`needletail {arguments[0]}` exited {run.returncode}: {run.stderr.strip()}")
    return json.loads(run.stdout), (seconds, processors)


def find(directory: pathlib.Path, *names: str) -> pathlib.Path:
    for name in names:
        for extension in COMPONENT_BYTES:
            if (directory / (name + extension)).exists():
                return directory / (name + extension)
    raise SystemExit(f"{directory} has no {names[0]}.fbin, .u8bin or .i8bin")


def shape(path: pathlib.Path) -> tuple[int, int]:
    with open(path, "rb") as file:
        head = file.read(8)
    return int.from_bytes(head[:4], "little"), int.from_bytes(head[4:8], "little")


def write_prefix(base: pathlib.Path, rows: int, path: pathlib.Path) -> None:
    """The first rows of a file as a file of their own: the header counts rows, then there is only the data."""
    _, dimensions = shape(base)
    left = rows * dimensions * COMPONENT_BYTES[base.suffix]
    with open(base, "rb") as source, open(path, "wb") as target:
        source.seek(8)
        target.write(rows.to_bytes(4, "little") + dimensions.to_bytes(4, "little"))
        while left > 0:
            block = source.read(min(left, 1 << 24))
            if not block:
                raise SystemExit(f"{base} is shorter than its header says")
            target.write(block)
            left -= len(block)


def prefixes(rows: int, least: int, count: int) -> list[int]:
    """Numbers of rows from `least` to all, equally far apart in the logarithm."""
    if rows < 2 * least:
        raise SystemExit(f"{rows} rows are too few for prefixes from {least} up; give a smaller --least")
    return [round(least * (rows / least) ** (i / (count - 1))) for i in range(count)]


def size(index: pathlib.Path) -> int:
    return sum(path.stat().st_size for path in pathlib.Path(index).rglob("*") if path.is_file())


def resident(report: dict[str, Any]) -> int:
    """What a search holds in memory: growth of anonymous memory, and mapped codes, links and ids."""
    memory, components = report["memory"], report["index"]["components"]
    growth = memory["after"]["anonymousBytes"] - (memory.get("before") or {}).get("anonymousBytes", 0)
    return growth + sum(
        c["bytes"] for c in components if c["placement"] == "mapped" and "precise" not in c["name"])


def sweep(options: argparse.Namespace, index: pathlib.Path, queries: pathlib.Path, truth: pathlib.Path,
          base: pathlib.Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Points of a sweep: all widths once, then every few of those about the recall, timed."""
    def evaluate(widths: Sequence[int], repeats: int) -> dict[str, Any]:
        report, _ = call(
            options, "evaluate", index, "--queries", queries, "--groundtruth", truth, "--base", base, "--k",
            options.k, "--ef", ",".join(map(str, widths)), "--threads", 1, "--repeats", repeats)
        return report

    points, wanted = [], options.recall
    # In portions, so that no time goes into widths far beyond.
    for start in range(0, len(options.widths), 5):
        points += evaluate(options.widths[start : start + 5], 1)["points"]
        if points[-1]["recall"] >= wanted:
            break
    high = next((p["efSearch"] for p in points if p["recall"] >= wanted), points[-1]["efSearch"])
    low = max([p["efSearch"] for p in points if p["efSearch"] < high], default=high)
    step = max(1, (high - low) // 4)
    report = evaluate(sorted({*range(low, high, step), high}), options.repeats)
    return report, points


def measure(options: argparse.Namespace, name: str, base: pathlib.Path, queries: pathlib.Path, metric: str,
            work: pathlib.Path) -> dict[str, Any]:
    """One set: every prefix built, judged and timed."""
    rows, dimensions = shape(base)
    found = {"name": name, "metric": metric, "dimensions": dimensions, "queries": shape(queries)[0], "prefixes": []}
    for count in prefixes(rows, options.least, options.prefixes):
        part, truth, index = work / ("base" + base.suffix), work / "truth.ibin", work / "index"
        write_prefix(base, count, part)
        call(options, "groundtruth", "--base", part, "--queries", queries, "--metric", metric, "--k", options.k,
             "--output", truth)
        builds = []
        for _ in range(options.builds):
            shutil.rmtree(index, ignore_errors=True)
            builds.append(call(
                options, "build", "--input", part, "--metric", metric, "--output", index, "--threads",
                options.threads, *shlex.split(options.build_options))[1])
        report, coarse = sweep(options, index, queries, truth, part)
        found["prefixes"].append({
            "rows": count, "buildSeconds": min(b[0] for b in builds),
            "buildProcessorSeconds": min(b[1] for b in builds), "fileBytes": size(index),
            "residentBytes": resident(report), "points": report["points"], "sweep": coarse})
        found["machine"] = report["machine"]
        best = min(report["points"], key=lambda p: abs(p["recall"] - options.recall))
        say(f"  {name}, {count} rows: built in {min(builds)[0]:.1f} s; efSearch {best['efSearch']}: recall"
            f" {best['recall']:.4f}, {best['evaluationsPerQuery']:.0f} evaluations,"
            f" {1e6 / best['queriesPerSecond']:.1f} µs")
        for path in (part, truth):
            path.unlink()
        shutil.rmtree(index)
    return found


def sets(options: argparse.Namespace) -> Iterator[tuple[str, pathlib.Path, pathlib.Path, str]]:
    for data, metric in zip(options.data, options.metric):
        data = data.resolve()
        yield data.name, find(data, "base"), find(data, "query", "queries"), metric
    if options.mixture:
        place = options.folder / f"mixture-{options.mixture}"
        if not (place / "query.fbin").exists():
            say(f"Making the generated set in {place} …")
            call(options, "datasets", "make", "mixture", "--rows", options.mixture, "--output", place)
        yield "mixture", find(place, "base"), find(place, "query"), "l2"


def main() -> None:
    options = parse()
    if not os.access(options.needletail, os.X_OK):
        raise SystemExit(f"There is no {options.needletail}: `make build`, or name it with --needletail")
    work = options.folder / f"work-{os.getpid()}"
    work.mkdir(parents=True)
    try:
        document = {
            "recall": options.recall, "k": options.k, "buildThreads": options.threads,
            "sets": [measure(options, *entry, work) for entry in sets(options)]}
    finally:
        shutil.rmtree(work)
    figures = options.json or options.folder / "scale.json"
    figures.parent.mkdir(parents=True, exist_ok=True)
    figures.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    say(f"Figures: {figures}")
    page = ["--html", str(options.html)] if options.html else []
    raise SystemExit(subprocess.run([options.needletail, "report", "scale", str(figures), *page]).returncode)


if __name__ == "__main__":
    main()
