#!/usr/bin/env python3
"""Measures what a budget promises, by the clock: the rows of the specification that virtual time cannot show.

Every row is one run of `needletail load --criterion NAME`, or two, and its verdicts are the command's: open loop, one
processor for the generator and one for the worker, times from the intended start. A run whose own schedule slipped is
invalid, and its row is neither met nor missed.
"""

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

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
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.rows = []
        self.capacity = None
        self.metric = json.loads(
            run([options.needletail, "info", options.index, "--json"]))["metric"]

    def command(self, index, schedule, *more, budget=BUDGET):
        """What runs a load."""
        file = self.folder / "budget.json"
        file.write_text(json.dumps(budget))
        command = [
            self.options.needletail, "load", str(index), "--queries", self.options.queries,
            "--budget", str(file), "--schedule", schedule, "--json", *more]
        if self.capacity:
            command += ["--capacity", f"{self.capacity}qps"]
        return command

    def load(self, schedule, *more, budget=BUDGET, data_limit=None):
        """One run; the report as it is in JSON."""
        command = self.command(
            self.options.index, schedule, "--recall", "0.95", *more, budget=budget)
        bound = lambda: resource.setrlimit(resource.RLIMIT_DATA, (data_limit, data_limit))
        done = subprocess.run(
            command, capture_output=True, text=True, preexec_fn=bound if data_limit else None,
            env=dict(os.environ, SWIFT_BACKTRACE="enable=no"))
        if data_limit and (done.returncode not in (0, 1) or not done.stdout):
            return None
        # 1 says that a verdict is broken, which the report has.
        if done.returncode not in (0, 1) or not done.stdout:
            sys.exit(f"{' '.join(command)}\n{done.stderr}")
        report = json.loads(done.stdout)
        self.capacity = self.capacity or report.get("capacity")
        return report

    def row(self, name, criterion, schedule, *more, budget=BUDGET, former=None):
        """A row: its run, which may be compared with a former one, and what the command says of it."""
        report = self.load(schedule, "--criterion", criterion, *more, budget=budget)
        verdicts = [(one["name"], one["isMet"], one["finding"]) for one in report["verdicts"]]
        faults = report["validity"]["faults"] + (former["validity"]["faults"] if former else [])
        self.add(name, schedule, verdicts, faults)

    def add(self, name, schedule, verdicts, faults):
        """A row: verdicts as (name, whether it held, what was found)."""
        state = "invalid" if faults else "met" if all(held for _, held, _ in verdicts) else "MISSED"
        self.rows.append({
            "row": name, "state": state, "schedule": schedule, "faults": faults,
            "verdicts": [{"name": a, "isMet": b, "finding": c} for a, b, c in verdicts]})
        print(f"{state:8} {name}", flush=True)
        for verdict, held, finding in verdicts:
            print(f"    {'held  ' if held else 'broken'} {verdict}: {finding}", flush=True)
        for fault in faults:
            print(f"    {fault}", flush=True)


def tiers(bench, seconds):
    """Row 1: up to 1.3 times the capacity and down again."""
    steps = [f"poisson:{load}x,{seconds}s" for load in (0.5, 0.9, 1.3, 0.9, 0.5)]
    bench.row("1 tiers, 0.5x to 1.3x and back", "tiers", " then ".join(steps))


def guard(bench, seconds):
    """Row 2: deadlines of 1 to 20 ms at 0.9 times the capacity."""
    for deadline in (1, 5, 20):
        bench.row(
            f"2 guard, deadline {deadline} ms", "guard", f"poisson:0.9x,{seconds}s", "--deadline", f"{deadline}ms")


def limit(bench, seconds):
    """Row 6: a process that may have no more memory than what the budget was told the index takes."""
    if sys.platform != "linux":
        return
    tiny = bench.folder / "tiny.needletail"
    run([bench.options.needletail, "build", "--input", bench.options.queries, "--metric",
         bench.metric, "--output", str(tiny), "--no-tune"])
    # The same requests: the command itself takes room for them.
    schedule = f"poisson:2x,{seconds}s"
    around = peak_of_data(bench.command(tiny, schedule)) - predicted(bench, tiny)
    needed = predicted(bench, bench.options.index)
    bound = around + int(1.05 * needed)
    budget = dict(BUDGET, memory={"total": f"{bound}B"})
    report = bench.load(schedule, budget=budget, data_limit=bound)
    if report is None:
        bench.add("6 memory, a hard limit", schedule, [
            ("nothing failed", False, f"the process ended within {bound / 1e6:.1f} MB")], [])
        return
    lost = report["overall"]["failed"] + report["overall"]["unanswered"]
    refused = subprocess.run(
        bench.command(bench.options.index, "poisson:1000qps,2s",
                      budget=dict(BUDGET, memory={"total": f"{needed // 2}B"})),
        capture_output=True, text=True)
    message = refused.stderr.strip().splitlines()[0] if refused.stderr.strip() else "no message"
    bench.add(
        "6 memory, a hard limit", schedule, [
            ("nothing failed", lost == 0,
             f"{lost} of {report['overall']['offered']} within {bound / 1e6:.1f} MB, of which the index {needed / 1e6:.1f}"),
            ("refused above its ceiling", refused.returncode > 0 and "memory" in message, message)],
        report["validity"]["faults"])


def predicted(bench, index):
    """The bytes that an index takes in memory, by what it says before it is opened."""
    memory = json.loads(run([bench.options.needletail, "info", str(index), "--json"]))["memory"]
    return sum(memory[name] for name in ("codes", "graph", "ids", "quantizer", "attributes"))


def run(command, **more):
    done = subprocess.run(command, capture_output=True, text=True, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def peak_of_data(command):
    """The most private memory of a command, in bytes, looked at every 20 ms."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = 0
    while process.poll() is None:
        try:
            for line in pathlib.Path(f"/proc/{process.pid}/status").read_text().splitlines():
                if line.startswith("VmData:"):
                    most = max(most, int(line.split()[1]) * 1024)
        except OSError:
            pass
        time.sleep(0.02)
    return most


def ledger(bench, seconds):
    """Row 8: the stages of answers beside the generator's clock."""
    for load in (0.5, 0.9):
        bench.row(f"8 stage ledger, {load}x", "ledger", f"poisson:{load}x,{seconds}s")


def overload(bench, seconds):
    """Row 12: far beyond the capacity, after a part at 1.3 times that shows the best there is."""
    for factor in (2, 5, 10):
        bench.row(
            f"12 overload, {factor}x", "overload",
            f"poisson:1.3x,{min(10, seconds)}s then poisson:{factor}x,{seconds}s")


def priorities(bench, seconds):
    """Row 13: four classes at five times the capacity."""
    bench.row(
        "13 priorities, 5x", "priorities", f"poisson:5x,{seconds}s", "--priorities",
        "criticalPlus=10,critical=30,sheddablePlus=30,sheddable=30")


def tenants(bench, seconds):
    """Row 14: a neighbour at its quota, and at twenty times its quota."""
    rate = bench.capacity
    quotas = [{"name": "quiet", "rate": 1e8}, {"name": "noisy", "rate": 1e8, "burst": 1e8}]
    calm = bench.load(
        f"poisson:{0.4 * rate:.0f}qps,{seconds}s", "--tenants", "quiet=1,noisy=1",
        budget=dict(BUDGET, tenants=quotas))
    former = bench.folder / "calm.json"
    former.write_text(json.dumps(calm))
    # What the noisy one was charged is its quota from now on.
    used = next(one["charged"] for one in calm["charges"] if one["name"] == "noisy")
    quotas[1]["rate"] = quotas[1]["burst"] = used / calm["seconds"]
    bench.row(
        "14 tenants, 20 times the quota", "tenants", f"poisson:{4.2 * rate:.0f}qps,{seconds}s",
        "--tenants", "quiet=1,noisy=20", "--beside", str(former), budget=dict(BUDGET, tenants=quotas),
        former=calm)


def sweep(bench, seconds):
    """Row 15: from half to three times the capacity, in four times the seconds."""
    bench.row(
        "15 ladder, 0.5x to 3x", "ladder", f"ramp:0.5x..3x,{4 * seconds}s,poisson", "--groundtruth",
        bench.options.groundtruth)


def warm(bench, seconds):
    """Ready means warm: the first queries beside later ones."""
    bench.row("ready means warm", "warm", f"constant:1000qps,{max(3, seconds)}s")


def memory(bench, _):
    """Row 16: ten times the capacity, for --memory-seconds."""
    seconds = bench.options.memory_seconds
    bench.row(f"16 backpressure, 10x for {seconds} s", "backpressure", f"poisson:10x,{seconds}s")


def main():
    parts = [tiers, guard, limit, ledger, overload, priorities, tenants, sweep, warm, memory]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--needletail", required=True, help="the command line tool")
    parser.add_argument("--index", required=True, help="the index directory")
    parser.add_argument("--queries", required=True, help="a file of queries")
    parser.add_argument("--groundtruth", required=True, help="their exact answers")
    parser.add_argument("--seconds", type=int, default=20, help="of each part of a run (default: 20)")
    parser.add_argument(
        "--memory-seconds", type=int, default=30,
        help="of the row memory, whose criterion asks for 600 (default: 30)")
    parser.add_argument("--only", default="", help=f"some of {','.join(part.__name__ for part in parts)}")
    parser.add_argument("--json", type=pathlib.Path, help="write the rows to this file")
    options = parser.parse_args()
    wanted = [name for name in options.only.split(",") if name]
    unknown = set(wanted) - {part.__name__ for part in parts}
    if unknown:
        parser.error(f"there is no row {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, pathlib.Path(folder))
        # One capacity for all rows.
        bench.load("poisson:0.1x,1s")
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
