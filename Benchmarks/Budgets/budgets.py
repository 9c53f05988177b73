#!/usr/bin/env python3
"""Measures what a budget promises, by the clock: the rows of the specification that virtual time cannot show.

Every row is a run of `needletail load`: open loop, one processor for the generator and one for the worker, times from
the intended start. A run whose own schedule slipped is invalid, and its row is neither met nor missed.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

BUDGET = {
    "name": "bench", "owner": "bench",
    "tiers": [
        {"name": "normal", "p95": "5ms", "p99": "10ms"},
        {"name": "elevated", "enter": {"load": "75%", "for": "500ms"},
         "exit": {"load": "65%", "for": "2s"}, "p95": "10ms", "p99": "20ms"},
        {"name": "peak", "enter": {"load": "110%", "for": "500ms"},
         "exit": {"load": "95%", "for": "2s"}, "p95": "20ms", "p99": "40ms"},
    ],
    "ladder": {"rungs": ["full", "smallerWindow", "withoutRerank", "reject"]},
    "cache": {"enabled": False},
}


class Bench:
    def __init__(self, options):
        self.options = options
        self.rows = []
        self.capacity = None

    def load(self, schedule, *more, budget=None):
        """One run; the report as it is in JSON."""
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(budget or BUDGET, file)
            file.flush()
            command = [
                self.options.needletail, "load", self.options.index, "--queries",
                self.options.queries, "--budget", file.name, "--schedule", schedule, "--recall",
                "0.95", "--json", *more]
            if self.capacity:
                command += ["--capacity", f"{self.capacity}qps"]
            done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode not in (0, 1) or not done.stdout:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        return json.loads(done.stdout)

    def add(self, row, report, is_met, finding):
        valid = not report["validity"]["faults"]
        state = ("met" if is_met else "MISSED") if valid else "invalid"
        self.rows.append({"row": row, "state": state, "finding": finding})
        print(f"{state:8}{row:34}{finding}", flush=True)


def share(part, whole):
    return part / whole if whole else 1.0


def tiers(bench, seconds):
    """Row 1: at 0.5, 0.9 and 1.3 times the capacity, p95 and p99 within the tier in nearly all slices of a second."""
    for load, wanted in ((0.5, 0.99), (0.9, 0.99), (1.3, 0.95)):
        report = bench.load(f"poisson:{load}x,{seconds}s")
        bench.capacity = bench.capacity or report["capacity"]
        budget = report["budget"]["tiers"]
        good = total = 0
        for piece in report["slices"]:
            if not piece["answered"] or piece["start"] < 2:
                continue
            tier = budget[max(range(len(budget)), key=lambda place: piece["tiers"][place])]
            total += 1
            good += (piece["p95Microseconds"] <= tier["p95Microseconds"]
                     and piece["p99Microseconds"] <= tier["p99Microseconds"])
        bench.add(
            f"1 tiers at {load}x", report, total > 0 and share(good, total) >= wanted,
            f"{good} of {total} slices; p99 {report['overall']['p99Microseconds'] / 1e3:.2f} ms, "
            f"{100 * share(report['overall']['answered'], report['overall']['offered']):.2f} % answered")


def guard(bench, seconds):
    """Row 2: with deadlines of 1 to 20 ms at 0.9 times the capacity, hardly anything ends 200 µs after its own."""
    for deadline in (1, 5, 20):
        report = bench.load(f"poisson:0.9x,{seconds}s", "--deadline", f"{deadline}ms")
        late = report["overall"]["answered"] - report["overall"]["inTime"]
        part = share(late, report["overall"]["answered"]) if late else 0.0
        bench.add(
            f"2 guard, deadline {deadline} ms", report, report["overall"]["answered"] > 0 and part <= 1e-4,
            f"{late} of {report['overall']['answered']} answers after it "
            f"({100 * part:.4f} %; p99.9 {report['overall']['p999Microseconds'] / 1e3:.2f} ms)")


def overload(bench, seconds):
    """Rows 12 and 16: goodput, admitted p99 and queues far beyond the capacity."""
    calm = bench.load("poisson:1.3x,10s")
    peak = max(piece["inTime"] / piece["seconds"] for piece in calm["slices"])
    for factor in (2, 5, 10):
        report = bench.load(f"poisson:0.5x,3s then poisson:{factor}x,{seconds}s")
        after = [piece for piece in report["slices"] if piece["start"] >= 4 and piece["offered"]]
        least = min((piece["inTime"] / piece["seconds"] for piece in after), default=0)
        worst = max((piece["p99Microseconds"] for piece in after), default=0)
        queue = max((piece.get("longestQueue") or 0 for piece in after), default=0)
        bench.add(
            f"12 overload {factor}x", report, least >= 0.9 * peak and worst <= 1.5 * 40_000,
            f"goodput {least:.0f} of {peak:.0f}/s in the worst second, p99 {worst / 1e3:.1f} ms, "
            f"{queue} waited at most")


def priorities(bench, seconds):
    """Row 13: at five times the capacity the class that matters most is served."""
    report = bench.load(
        f"poisson:5x,{seconds}s", "--priorities",
        "criticalPlus=10,critical=30,sheddablePlus=30,sheddable=30")
    after = [piece for piece in report["slices"] if piece["start"] >= 2]
    served = [
        share(sum(p["answeredByPriority"][k] for p in after),
              sum(p["offeredByPriority"][k] for p in after)) for k in range(4)]
    inverted = sum(
        any(share(p["answeredByPriority"][k], p["offeredByPriority"][k]) + 0.01
            < share(p["answeredByPriority"][k + 1], p["offeredByPriority"][k + 1])
            for k in range(3)) for p in after)
    bench.add(
        "13 priorities at 5x", report, served[0] >= 0.999 and inverted <= 0.01 * len(after),
        ", ".join(f"{100 * one:.2f} %" for one in served)
        + f" served by class; {inverted} of {len(after)} slices inverted")


def tenants(bench, seconds):
    """Row 14: a neighbour at twenty times its quota moves a quiet tenant's p99 little."""
    rate = bench.capacity
    quotas = [
        {"name": "quiet", "rate": 1e8}, {"name": "noisy", "rate": 1e8, "burst": 1e8}]
    calm = bench.load(
        f"poisson:{0.4 * rate:.0f}qps,{seconds}s", "--tenants", "quiet=1,noisy=1",
        budget=dict(BUDGET, tenants=quotas))
    # What a query costs in units, from what the calm run did.
    units = calm["overall"]["evaluationsPerAnswer"] / 1_000 * bench.options.dimensions / 128
    quotas[1]["rate"] = quotas[1]["burst"] = 0.2 * rate * units
    loud = bench.load(
        f"poisson:{4.2 * rate:.0f}qps,{seconds}s", "--tenants", "quiet=1,noisy=20",
        budget=dict(BUDGET, tenants=quotas))
    before, after = (
        next(one for one in report["tenants"] if one["name"] == "quiet") for report in (calm, loud))
    bench.add(
        "14 tenants", loud, after["p99Microseconds"] <= 1.1 * before["p99Microseconds"],
        f"quiet p99 {before['p99Microseconds'] / 1e3:.2f} ms beside a quiet one, "
        f"{after['p99Microseconds'] / 1e3:.2f} ms beside 20 times its quota; "
        f"{100 * share(after['answered'], after['offered']):.2f} % answered")


def sweep(bench, seconds):
    """Row 15: from half to three times the capacity the rungs come in order, and recall is known on each."""
    report = bench.load(
        f"ramp:0.5x..3x,{4 * seconds}s,poisson", "--groundtruth", bench.options.groundtruth)
    names = report["vocabulary"]["rungs"]
    seen = []
    for piece in report["slices"]:
        if piece["answered"]:
            rung = names[max(range(len(names)), key=lambda place: piece["rungs"][place])]
            if not seen or seen[-1] != rung:
                seen.append(rung)
    order = [names.index(rung) for rung in seen]
    found = "; ".join(
        f"{one['name']} {one['recall']:.3f}" for one in report["rungs"] if one.get("recall"))
    bench.add(
        "15 ladder, 0.5x to 3x", report, order == sorted(order), f"{', '.join(seen)}; recall {found}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--needletail", required=True, help="the command line tool")
    parser.add_argument("--index", required=True, help="the index directory")
    parser.add_argument("--queries", required=True, help="a file of queries")
    parser.add_argument("--groundtruth", required=True, help="their exact answers")
    parser.add_argument("--dimensions", type=int, default=384, help="of a query (default: 384)")
    parser.add_argument("--seconds", type=int, default=20, help="of each run (default: 20)")
    parser.add_argument("--only", default="", help="rows, like tiers,overload")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows to this file")
    options = parser.parse_args()
    bench = Bench(options)
    parts = [tiers, guard, overload, priorities, tenants, sweep]
    wanted = [name for name in options.only.split(",") if name]
    unknown = set(wanted) - {part.__name__ for part in parts}
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    if wanted and "tiers" not in wanted:
        bench.capacity = bench.load("poisson:0.1x,1s")["capacity"]
    for part in parts:
        if not wanted or part.__name__ in wanted:
            part(bench, options.seconds)
    print(f"capacity {bench.capacity:.0f} queries/s at full quality, one worker")
    if options.json:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps({"capacity": bench.capacity, "rows": bench.rows}, indent=1))
    states = {row["state"] for row in bench.rows}
    # A run that did not keep its own schedule shows nothing, which is no success.
    sys.exit(1 if "MISSED" in states else 2 if "invalid" in states else 0)


if __name__ == "__main__":
    main()
