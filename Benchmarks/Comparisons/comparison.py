"""One comparison from the builds to the figures: what is done with the contestants, in which order."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import arithmetic
import judge as judging
from contestants import Contestant, Needletail, Unavailable

LEVELS = (0.90, 0.95, 0.99)
OURS, REFERENCE = "needletail", "hnswlib"

Point = dict[str, Any]


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of all values do not exceed."""
    rank = max(1, -(-len(sorted_values) * round(share * 1000) // 1000))
    return sorted_values[rank - 1]


def is_flat(recalls: Sequence[float], patience: int = 6, gain: float = 0.0003) -> bool:
    """Whether the last settings found nothing that those before them had not: wider ones only cost time."""
    return len(recalls) > patience and max(recalls[-patience:]) < recalls[-patience - 1] + gain


class Comparison:
    """Builds, judges, then times in turns. One that fails is noted with its reason and leaves."""

    def __init__(self, contestants: list[Contestant], judge: judging.Judge, enough: float = 0.995) -> None:
        self.contestants, self.judge, self.enough = contestants, judge, enough
        self.results: dict[str, dict[str, Any]] = {c.name: {"engine": c.name} for c in contestants}
        self.left_out: list[dict[str, str]] = []

    def _each(self, work: Callable[[Contestant], None]) -> None:
        for contestant in list(self.contestants):
            try:
                work(contestant)
            except Unavailable as reason:
                say(f"  {contestant.name} is left out: {reason}")
                self.left_out.append({"engine": contestant.name, "reason": str(reason)})
                contestant.close()
                self.contestants.remove(contestant)

    def build(self, times: int) -> None:
        """Each engine's fastest of some builds; the last one is searched."""
        def work(contestant: Contestant) -> None:
            seconds = []
            for _ in range(times):
                seconds.append(contestant.build())
                say(f"  {contestant.name}: built in {seconds[-1]:.1f} s")
            self.results[contestant.name].update(
                label=contestant.label, settings=contestant.settings, buildSeconds=min(seconds))

        self._each(work)

    def sweep(self) -> None:
        """Recall of every setting until it is enough, and a rough time to tell hopeless settings by."""
        def work(contestant: Contestant) -> None:
            points: list[Point] = []
            for chain in contestant.chains:
                recalls: list[float] = []
                for setting in chain:
                    ids, seconds = contestant.answers(setting)
                    recalls.append(self.judge.recall(ids))
                    points.append({
                        "setting": setting, "recall": recalls[-1],
                        "rough": contestant.task.query_count / seconds})
                    if recalls[-1] >= self.enough or is_flat(recalls):
                        break
            kept = judging.worth_timing(points, "rough")
            for point in points:
                del point["rough"]
            reached = [point["recall"] for point in points]
            say(f"  {contestant.name}: {len(points)} settings, recall {min(reached):.4f} to {max(reached):.4f};"
                f" {len(kept)} are worth timing")
            self.results[contestant.name]["points"] = sorted(kept, key=lambda p: float(p["recall"]))

        self._each(work)

    def time(self, rounds: int) -> None:
        """Engines take turns, round after round; the best of all rounds counts, all are kept."""
        def work(contestant: Contestant) -> None:
            for point in self.results[contestant.name]["points"]:
                found = contestant.measure(point["setting"])
                point.setdefault("rounds", []).append(found)
                point["queriesPerSecond"] = max(point["rounds"])

        for number in range(rounds):
            say(f"Round {number + 1} of {rounds} …")
            self._each(work)

    def weigh(self) -> None:
        """Memory after all queries, and what an engine alone can tell about its settings."""
        def work(contestant: Contestant) -> None:
            result = self.results[contestant.name]
            result["memory"] = contestant.memory()
            for point, more in zip(
                    result["points"], contestant.details([p["setting"] for p in result["points"]])):
                own = more.pop("recallByItself", None)
                if own is not None and abs(own - point["recall"]) > 1e-3:
                    say(f"  {contestant.name} counts recall {own:.4f} at {point['setting']}; it is"
                        f" {point['recall']:.4f} here, which counts")
                point.update(more)

        self._each(work)

    def ours(self) -> Needletail | None:
        return next((c for c in self.contestants if isinstance(c, Needletail)), None)

    def cheapest(self, name: str, level: float) -> Point | None:
        """The fastest measured point of an engine at a recall or above."""
        points = [p for p in self.results[name]["points"] if p["recall"] >= level]
        return max(points, key=lambda p: float(p["queriesPerSecond"]), default=None)

    def tail(self) -> None:
        """Spread of evaluations over queries at our cheapest point of each level."""
        ours = self.ours()
        if not ours:
            return
        tails = self.results[OURS]["tail"] = {}
        for level in LEVELS:
            point = self.cheapest(OURS, level)
            if point is None:
                continue
            counts = sorted(ours.evaluations(point["setting"]))
            half, most = percentile(counts, 0.5), percentile(counts, 0.99)
            tails[f"{level:.2f}"] = {
                "setting": point["setting"], "recall": point["recall"], "p50Evaluations": half,
                "p99Evaluations": most, "ratio": most / half if half else None,
                **{name: point[name] for name in ("p50Microseconds", "p99Microseconds") if name in point}}

    def tuned(self) -> None:
        """What asking for a recall by its name gives, where the index knows how."""
        ours = self.ours()
        if not ours:
            return
        found = []
        for level in LEVELS:
            try:
                ids, _ = ours.answers({"recall": level})
                found.append({
                    "asked": level, "recall": self.judge.recall(ids),
                    "queriesPerSecond": ours.measure({"recall": level}, passes=3)})
            except Unavailable as reason:
                say(f"  a recall by its name is not to be had: {reason}")
                return
        self.results[OURS]["byRecall"] = found

    def scaling(self, threads: int, rounds: int) -> dict[str, Any] | None:
        """Our batch search on some threads against one, beside a loop of arithmetic alone on the same cores."""
        ours = self.ours()
        point = ours and (self.cheapest(OURS, 0.95) or self.results[OURS]["points"][-1])
        if not ours or not point:
            return None
        cores, ours.task.clock = ours.task.cores, "wall"
        if threads > len(cores):
            say(f"Scaling to {threads} threads needs as many cores; there are {len(cores)}")
            return None
        say(f"Scaling to {threads} threads, {rounds} rounds …")
        best = {"search1": 0.0, "searchN": 0.0, "loop1": 0.0, "loopN": 0.0}
        for _ in range(rounds):
            found = {
                "search1": ours.measure(point["setting"], passes=30),
                "loop1": arithmetic.rate(cores[:1]),
                # As long as the loop: after a rest it takes the system some time to use all cores again.
                "searchN": ours.measure(point["setting"], passes=30, threads=threads),
                "loopN": arithmetic.rate(cores[:threads])}
            best = {name: max(value, found[name]) for name, value in best.items()}
        search, loop = best["searchN"] / best["search1"], best["loopN"] / best["loop1"]
        return {
            "threads": threads, "setting": point["setting"], "recall": point["recall"],
            "queriesPerSecond1": best["search1"], "queriesPerSecondN": best["searchN"],
            "search": search, "arithmetic": loop, "ratio": search / loop}

    def close(self) -> None:
        for contestant in self.contestants:
            contestant.close()

    def figures(self) -> dict[str, Any]:
        """The engines that stayed, each with its figures at the levels, and who is best at each."""
        engines = [self.results[c.name] for c in self.contestants]
        for result in engines:
            result["atRecall"] = {
                f"{level:.2f}": judging.at_recall(result["points"], level) for level in LEVELS}
            if result["points"] and all("evaluationsPerQuery" in point for point in result["points"]):
                result["evaluationsAtRecall"] = evaluations_at_recall(result["points"])
        return {"engines": engines, "leftOut": self.left_out, "best": best(engines)}


def evaluations_at_recall(points: Sequence[Point]) -> dict[str, Any]:
    """More evaluations are worse, so the frontier is one of queries per evaluation."""
    inverse = [{**p, "perEvaluation": 1 / p["evaluationsPerQuery"]} for p in points]
    found = {level: judging.at_recall(inverse, level, "perEvaluation") for level in LEVELS}
    return {
        f"{level:.2f}": {"value": value["value"] and 1 / value["value"], "how": value["how"]}
        for level, value in found.items()}


def best(engines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """At each level the fastest rival, how it relates to hnswlib with M = 16, and ours to it."""
    known = {engine["engine"]: engine for engine in engines}
    result: dict[str, Any] = {}
    for level in (f"{level:.2f}" for level in LEVELS):
        speeds = {name: engine["atRecall"][level]["value"] for name, engine in known.items()}
        rivals = {name: speed for name, speed in speeds.items() if name != OURS and speed}
        ours, reference = speeds.get(OURS), speeds.get(REFERENCE)
        name = max(rivals, key=lambda rival: rivals[rival], default=None)
        result[level] = {
            "rival": name, "queriesPerSecond": name and rivals[name],
            "toReference": name and reference and rivals[name] / reference,
            "oursToRival": name and ours and ours / rivals[name],
            "oursToReference": reference and ours and ours / reference}
    return result
