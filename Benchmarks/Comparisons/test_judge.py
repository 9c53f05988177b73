"""`python3 -m unittest` here; needs numpy only."""

import math
import pathlib
import tempfile
import unittest
from typing import Any

import numpy as np

import vectors
from judge import Judge, at_recall, descending_norm_scan, exact_neighbors, frontier


def world(
    metric: str, seed: int = 1, rows: int = 200, queries: int = 20, dimensions: int = 8,
) -> tuple[Any, Any, Any]:
    draw = np.random.default_rng(seed)
    base = draw.normal(size=(rows, dimensions)).astype(np.float32)
    asked = draw.normal(size=(queries, dimensions)).astype(np.float32)
    ids, _ = exact_neighbors(base, asked, metric, 20)
    return base, asked, ids


class RecallTests(unittest.TestCase):
    def test_exact_answers_are_right_under_every_metric(self) -> None:
        for metric in ("l2", "ip", "cosine"):
            base, queries, ids = world(metric)
            judge = Judge(base, queries, metric, ids, 10)
            self.assertEqual(judge.recall(ids[:, :10]), 1.0)
            # The order of an answer does not matter.
            self.assertEqual(judge.recall(ids[:, :10][:, ::-1]), 1.0)

    def test_a_wrong_a_missing_and_a_repeated_answer_each_cost_one(self) -> None:
        base, queries, ids = world("l2")
        judge = Judge(base, queries, "l2", ids, 10)
        for bad in (ids[0, 19], -1, ids[0, 3]):
            answer = ids[:, :10].copy()
            answer[0, 7] = bad
            self.assertAlmostEqual(judge.recall(answer), 1 - 1 / 200)

    def test_missing_answers_are_not_duplicates_of_each_other_but_wrong(self) -> None:
        base, queries, ids = world("l2")
        judge = Judge(base, queries, "l2", ids, 10)
        self.assertEqual(judge.recall(np.full((20, 10), -1)), 0.0)

    def test_an_equally_near_row_counts_though_the_truth_names_another(self) -> None:
        base = np.array([[1, 0], [0, 1], [5, 5], [-1, 0]], dtype=np.float32)
        queries = np.zeros((1, 2), dtype=np.float32)
        judge = Judge(base, queries, "l2", np.array([[0, 1]]), 2)
        self.assertEqual(judge.recall([[3, 1]]), 1.0)
        self.assertEqual(judge.recall([[3, 2]]), 0.5)

    def test_the_tolerance_is_relative_for_l2_and_to_the_norms_for_inner_product(self) -> None:
        base = np.array([[1000], [1000.0004], [1001]], dtype=np.float64)
        judge = Judge(base, np.zeros((1, 1)), "l2", np.array([[0]]), 1)
        self.assertEqual(judge.recall([[1]]), 1.0)  # 8e-7 of d_k further
        self.assertEqual(judge.recall([[2]]), 0.0)
        base = np.array([[10, 0], [1, 0], [1 - 5e-6, 0], [0.9, 0]])
        judge = Judge(base, np.array([[1.0, 0]]), "ip", np.array([[0, 1]]), 2)
        self.assertEqual(judge.recall([[0, 2]]), 1.0)  # 5e-6 < 1e-6 · ‖q‖ · 10
        self.assertEqual(judge.recall([[0, 3]]), 0.5)

    def test_bytes_do_not_wrap(self) -> None:
        base = np.array([[0, 0], [255, 255], [250, 250]], dtype=np.uint8)
        queries = np.array([[255, 255]], dtype=np.uint8)
        judge = Judge(base, queries, "l2", np.array([[1]]), 1)
        self.assertEqual(judge.recall([[1]]), 1.0)
        self.assertEqual(judge.recall([[0]]), 0.0)
        judge = Judge(base, queries, "ip", np.array([[1]]), 1)
        self.assertEqual(judge.recall([[2]]), 0.0)

    def test_an_answer_outside_the_base_is_refused(self) -> None:
        base, queries, ids = world("l2")
        judge = Judge(base, queries, "l2", ids, 10)
        with self.assertRaises(ValueError):
            judge.recall(np.full((20, 10), 200))
        with self.assertRaises(ValueError):
            Judge(base, queries, "l2", ids, 21)


def points(*pairs: tuple[float, float]) -> list[dict[str, float]]:
    return [{"recall": recall, "queriesPerSecond": speed} for recall, speed in pairs]


class FrontierTests(unittest.TestCase):
    def test_dominated_points_are_dropped(self) -> None:
        line = frontier(points((0.9, 100), (0.8, 90), (0.95, 50), (0.94, 40), (0.95, 45)))
        self.assertEqual([(p["recall"], p["queriesPerSecond"]) for p in line], [(0.9, 100), (0.95, 50)])

    def test_the_logarithm_is_linear_between_neighbours(self) -> None:
        found = at_recall(points((0.9, 1000), (1.0, 10)), 0.95)
        self.assertEqual(found["how"], "interpolated")
        self.assertTrue(math.isclose(found["value"], 100))

    def test_a_point_on_the_level_is_taken_as_it_is(self) -> None:
        for level, speed in ((0.9, 1000), (0.95, 300), (1.0, 10)):
            found = at_recall(points((0.9, 1000), (0.95, 300), (1.0, 10)), level)
            self.assertEqual(found["how"], "interpolated")
            self.assertTrue(math.isclose(found["value"], speed))

    def test_levels_out_of_reach_and_below_the_smallest_setting_are_named(self) -> None:
        self.assertEqual(at_recall(points((0.9, 10)), 0.95), {"value": None, "how": "not reached"})
        self.assertEqual(at_recall(points((0.97, 10), (0.99, 5)), 0.95), {"value": 10, "how": "above"})
        self.assertEqual(at_recall([], 0.9)["how"], "not reached")


class ScanTests(unittest.TestCase):
    def test_a_scan_stops_where_the_answers_are(self) -> None:
        # Rows by falling norm; the answers of the query are the rows of norm 9 and 7.
        base = np.array([[0, 10], [9, 0], [0, 8], [7, 0], [0, 6]], dtype=np.float32)
        queries = np.array([[1, 0]], dtype=np.float32)
        self.assertEqual(descending_norm_scan(base, queries, 2, (0.5, 1.0)), {0.5: 2, 1.0: 4})

    def test_exact_neighbors_break_ties_by_row(self) -> None:
        base = np.array([[1], [-1], [1], [3]], dtype=np.float32)
        ids, distances = exact_neighbors(base, np.zeros((1, 1), dtype=np.float32), "l2", 2)
        self.assertEqual(ids.tolist(), [[0, 1]])
        self.assertEqual(distances.tolist(), [[1, 1]])


class FileTests(unittest.TestCase):
    def test_what_is_written_is_read(self) -> None:
        rows = np.arange(6, dtype=np.float32).reshape(2, 3)
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "base.fbin"
            vectors.write_fbin(path, rows)
            self.assertEqual(vectors.find(directory, "base"), path)
            self.assertTrue(np.array_equal(vectors.read(path), rows))
            path.write_bytes(path.read_bytes()[:-1])
            with self.assertRaises(SystemExit):
                vectors.read(path)
            truth = pathlib.Path(directory) / "groundtruth.ibin"
            vectors.write_ground_truth(truth, np.array([[4, 2]]), np.array([[0.5, 1.5]]))
            ids, distances = vectors.read_ground_truth(truth)
            self.assertEqual((ids.tolist(), distances.tolist()), ([[4, 2]], [[0.5, 1.5]]))


if __name__ == "__main__":
    unittest.main()
