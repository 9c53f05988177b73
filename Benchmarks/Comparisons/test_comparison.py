"""The course of a comparison, its figures and its page; needs numpy only."""

import contextlib
import io
import os
import pathlib
import re
import tempfile
import unittest
import xml.etree.ElementTree
from typing import Any
from unittest import mock

import numpy as np

import arithmetic
import page
import report
import vectors
import worker
from comparison import LEVELS, Comparison, best, is_flat, percentile
from contestants import Contestant, Task, Unavailable
from engines import ENGINES, Engine, Setting
from judge import Judge, exact_neighbors, worth_timing


def task(folder: str, metric: str = "l2") -> tuple[Task, Judge]:
    draw = np.random.default_rng(2)
    base = draw.normal(size=(200, 4)).astype(np.float32)
    queries = draw.normal(size=(30, 4)).astype(np.float32)
    truth, distances = exact_neighbors(base, queries, metric, 10)
    path = pathlib.Path(folder)
    vectors.write_fbin(path / "base.fbin", base)
    vectors.write_fbin(path / "query.fbin", queries)
    vectors.write_ground_truth(path / "groundtruth.ibin", truth, distances)
    made = Task(path / "base.fbin", path / "query.fbin", path / "groundtruth.ibin", metric, 10, 1)
    made.query_count = len(queries)
    return made, Judge(base, queries, metric, truth, 10)


class Double(Contestant):
    """Answers right in as many of ten places as its setting says, the slower the more; fails when told to."""

    def __init__(self, name: str, task: Task, judge: Judge, speed: float, fails_at: str = "") -> None:
        super().__init__(name, task)
        self.truth = exact_neighbors(judge.base, judge.queries, judge.metric, 10)[0].astype(np.int64)
        self.speed, self.fails_at, self.closed = speed, fails_at, 0
        self.chains = [[{"right": right} for right in (5, 8, 9, 10)]]
        self.measured: list[float] = []

    def _fail(self, step: str) -> None:
        if step == self.fails_at:
            raise Unavailable(f"told to fail at {step}")

    def build(self) -> float:
        self._fail("build")
        self.settings = "exact"
        return 2.0

    def answers(self, setting: dict[str, float]) -> tuple[Any, float]:
        self._fail("answers")
        ids = self.truth.copy()
        ids[:, int(setting["right"]):] = -1
        return ids, self.task.query_count * setting["right"] / self.speed

    def measure(self, setting: dict[str, float], passes: int = 1, threads: int = 1) -> float:
        self._fail("measure")
        self.measured.append(setting["right"])
        return self.speed / setting["right"]

    def memory(self) -> dict[str, Any]:
        return {"bytes": 1000, "kinds": {}}

    def close(self) -> None:
        self.closed += 1


class CourseTests(unittest.TestCase):
    def setUp(self) -> None:
        quiet = contextlib.redirect_stderr(io.StringIO())
        quiet.__enter__()
        self.addCleanup(quiet.__exit__, None, None, None)

    def run_all(self, **failing: str) -> tuple[Comparison, list[Double], dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            made, judge = task(folder)
            doubles = [
                Double(name, made, judge, speed, failing.get(name.replace("-", "_"), ""))
                for name, speed in (("hnswlib", 1000.0), ("faiss-hnsw", 3000.0), ("svs", 2000.0))]
            comparison = Comparison(list(doubles), judge)
            comparison.build(2)
            comparison.sweep()
            comparison.time(2)
            comparison.weigh()
            comparison.tail()
            comparison.tuned()
            return comparison, doubles, comparison.figures()

    def test_everybody_is_built_judged_and_timed_in_turns(self) -> None:
        _, doubles, figures = self.run_all()
        self.assertEqual([engine["engine"] for engine in figures["engines"]], ["hnswlib", "faiss-hnsw", "svs"])
        hnswlib = figures["engines"][0]
        self.assertEqual([point["recall"] for point in hnswlib["points"]], [0.8, 0.9, 1.0])
        self.assertEqual(hnswlib["atRecall"]["0.90"], {"value": 1000 / 9, "how": "interpolated"})
        self.assertEqual(hnswlib["points"][0]["rounds"], [125.0, 125.0])
        # 0.5 is below every figure, and 0.8 the nearest to one.
        self.assertEqual(doubles[0].measured, [8, 9, 10, 8, 9, 10])

    def test_one_that_fails_leaves_with_its_reason_and_the_others_go_on(self) -> None:
        for step in ("build", "answers", "measure"):
            comparison, doubles, figures = self.run_all(faiss_hnsw=step)
            self.assertEqual([engine["engine"] for engine in figures["engines"]], ["hnswlib", "svs"])
            self.assertEqual(figures["leftOut"], [{"engine": "faiss-hnsw", "reason": f"told to fail at {step}"}])
            self.assertEqual(doubles[1].closed, 1)
            comparison.close()
            self.assertEqual(doubles[0].closed, 1)

    def test_the_best_rival_is_named_with_its_ratio(self) -> None:
        _, _, figures = self.run_all()
        self.assertEqual(figures["best"]["0.90"]["rival"], "faiss-hnsw")
        self.assertAlmostEqual(figures["best"]["0.90"]["toReference"], 3.0)
        self.assertIsNone(figures["best"]["0.90"]["oursToRival"])

    def test_ours_is_no_rival_of_its_own(self) -> None:
        speeds = {"hnswlib": 100.0, "needletail": 400.0, "svs": None}
        engines = [
            {"engine": name, "atRecall": {f"{level:.2f}": {"value": value} for level in LEVELS}}
            for name, value in speeds.items()]
        found = best(engines)["0.99"]
        self.assertEqual(
            (found["rival"], found["oursToRival"], found["oursToReference"]), ("hnswlib", 4.0, 4.0))


class WorkerTests(unittest.TestCase):
    def test_an_engine_that_cannot_take_part_says_why(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made, _ = task(folder, metric="ip")
            contestant = Contestant("symphonyqg", made)
            with self.assertRaisesRegex(Unavailable, "it knows L2 alone"):
                contestant.build()
            contestant.close()

    def test_a_number_that_is_no_row_s_is_wrong_and_no_reason_to_stop(self) -> None:
        class Odd(Engine):
            def search(self, queries: Any, k: int, setting: Setting, threads: int = 1) -> Any:
                return np.tile(np.array([1, 200, 4_000_000_000, 2**32 - 1, 199], dtype=np.uint32), (len(queries), 1))

        with tempfile.TemporaryDirectory() as folder, mock.patch.dict(ENGINES, {"odd": Odd}):
            made, judge = task(folder)
            asked = worker.Worker("odd", str(made.base_path), str(made.queries_path), "l2", 5)
            path = f"{folder}/ids.npy"
            affinity = os.sched_getaffinity(0)
            asked.answers({"file": path, "setting": {}, "cores": affinity})
            self.assertEqual(np.load(path)[0].tolist(), [1, -1, -1, -1, 199])
            self.assertLess(judge.recall(np.load(path)), 0.5)

    def test_a_process_that_ends_is_told_by_its_last_words(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            made, _ = task(folder)
            made.base_path = pathlib.Path(folder) / "missing.fbin"
            contestant = Contestant("hnswlib", made)
            with self.assertRaisesRegex(Unavailable, "missing.fbin"):
                contestant.build()
            contestant.close()


class FigureTests(unittest.TestCase):
    def test_only_what_careful_timing_could_save_is_timed(self) -> None:
        points = [
            {"recall": recall, "rough": speed}
            for recall, speed in ((0.5, 900), (0.7, 800), (0.9, 500), (0.91, 50), (0.95, 200), (0.95, 150))]
        kept = [(point["recall"], point["rough"]) for point in worth_timing(points, "rough")]
        self.assertEqual(kept, [(0.7, 800), (0.9, 500), (0.95, 200), (0.95, 150)])

    def test_a_sweep_ends_where_nothing_more_is_found(self) -> None:
        flat = [0.98, 0.9801, 0.9801, 0.9802, 0.9801, 0.9802, 0.9802]
        self.assertTrue(is_flat(flat))
        self.assertFalse(is_flat(flat[1:]))
        self.assertFalse(is_flat([*flat[:-1], 0.9804]))
        self.assertFalse(is_flat([0.5, 0.9, *flat[:5]]))

    def test_percentiles_are_values_that_were_there(self) -> None:
        self.assertEqual(percentile([1, 2, 3, 4], 0.5), 2)
        self.assertEqual(percentile(list(range(1, 101)), 0.99), 99)
        self.assertEqual(percentile([7], 0.99), 7)

    def test_arithmetic_alone_has_a_rate(self) -> None:
        self.assertGreater(arithmetic.count(min(os.sched_getaffinity(0)), 0, 0.01), 0)


def document() -> dict[str, Any]:
    def engine(name: str, factor: float) -> dict[str, Any]:
        points = [
            {"setting": {"ef": ef}, "recall": recall, "queriesPerSecond": factor * speed}
            for ef, recall, speed in ((10, 0.85, 9000), (50, 0.97, 3000), (200, 1.0, 400))]
        return {
            "engine": name, "label": f"{name} <1.0>", "settings": "a & b", "buildSeconds": 3.25,
            "memory": {"bytes": 2_500_000}, "points": points,
            "atRecall": {
                "0.90": {"value": 5000 * factor, "how": "interpolated"},
                "0.95": {"value": 4000 * factor, "how": "above"}, "0.99": {"value": None, "how": "not reached"}}}

    engines = [engine("hnswlib", 1), engine("faiss-hnsw", 0.5), engine("needletail", 4)]
    engines[2]["tail"] = {"0.95": {
        "setting": {"ef": 50}, "recall": 0.97, "p50Evaluations": 300, "p99Evaluations": 600, "ratio": 2.0,
        "p50Microseconds": 20.0, "p99Microseconds": 45.5}}
    engines[2]["byRecall"] = [{"asked": 0.95, "recall": 0.9512, "queriesPerSecond": 54321.0}]
    return {
        "data": "set <b>", "metric": "l2", "rows": 61666, "dimensions": 384, "queries": 2000, "k": 10,
        "buildThreads": 2, "rounds": 3, "clock": "wall",
        "machine": {"processor": "A & B", "cores": 2}, "engines": engines,
        "leftOut": [{"engine": "svs", "reason": "it is not <here>"}], "best": best(engines),
        "scaling": {
            "threads": 2, "setting": {"ef": 50}, "recall": 0.97, "queriesPerSecond1": 10000.0,
            "queriesPerSecondN": 19000.0, "search": 1.9, "arithmetic": 1.95, "ratio": 1.9 / 1.95}}


class ReportTests(unittest.TestCase):
    def test_the_table_says_what_was_found(self) -> None:
        text = report.text(document(), LEVELS, with_points=True)
        for part in (
                "≥ 16 000", "4.00×", "The fastest rival at 0.90 is hnswlib: 5 000 (1.00× the reference)",
                "needletail has 4.00× that", "p99 600, 2.00×", "Asked for recall 0.95: 0.9512 at 54 321",
                "1.90× one thread; arithmetic alone 1.95×; ratio 0.97", "svs: it is not <here>", "ef 200"):
            self.assertIn(part, text)

    def test_nobody_left_is_said_too(self) -> None:
        empty = {**document(), "engines": [], "best": best([])}
        self.assertIn("Left out", report.text(empty, LEVELS, True))
        self.assertIn("Left out", page.html(empty, LEVELS))


class PageTests(unittest.TestCase):
    def setUp(self) -> None:
        self.html = page.html(document(), LEVELS)

    def drawings(self) -> list[xml.etree.ElementTree.Element]:
        found = re.findall(r"<svg class=\"(?:wide|narrow)\".*?</svg>", self.html, flags=re.DOTALL)
        return [xml.etree.ElementTree.fromstring(text) for text in found]

    def test_it_is_well_formed_and_loads_nothing(self) -> None:
        body = re.sub(r"<!DOCTYPE html>|<meta [^>]*>|<style>.*?</style>", "", self.html, flags=re.DOTALL)
        xml.etree.ElementTree.fromstring(re.sub(r"class=(\w+)([ >])", r'class="\1"\2', body))
        for forbidden in ("<script", "http:", "https:", "url(", "<b>", "<here>", "<1.0>"):
            self.assertNotIn(forbidden, self.html)

    def test_every_engine_has_a_line_and_all_dots_lie_inside_on_both_widths(self) -> None:
        drawings = self.drawings()
        self.assertEqual([drawing.get("viewBox") for drawing in drawings], ["0 0 860 460", "0 0 358 400"])
        for drawing in drawings:
            _, _, width, height = map(float, str(drawing.get("viewBox")).split())
            self.assertEqual(len(drawing.findall("polyline")), 3)
            dots = drawing.findall("circle")
            self.assertEqual(len(dots), 9)
            for dot in dots:
                self.assertTrue(0 < float(dot.get("cx", 0)) < width and 0 < float(dot.get("cy", 0)) < height)

    def test_up_is_faster_and_right_is_better(self) -> None:
        for drawing in self.drawings():
            dots = [(float(d.get("cx", 0)), float(d.get("cy", 0))) for d in drawing.findall("circle")]
            first = dots[:3]
            self.assertEqual(first, sorted(first))
            self.assertEqual([y for _, y in first], sorted(y for _, y in first))
            # Ours is drawn last and lies above the first engine, which is a quarter as fast.
            self.assertTrue(all(ours[1] < theirs[1] for ours, theirs in zip(dots[6:], first)))

    def test_ticks_hold_all_speeds_between_them(self) -> None:
        for least, most in ((3, 900), (5000, 5000), (999, 1001), (1, 10), (0.2, 3e6)):
            found = page.ticks(least, most)
            self.assertTrue(found[0] <= least * 1.00001 and found[-1] >= most * 0.99999, found)
        self.assertEqual([page.short(value) for value in (500, 2000, 1e6, 2.5e6)], ["500", "2k", "1M", "2.5M"])


if __name__ == "__main__":
    unittest.main()
