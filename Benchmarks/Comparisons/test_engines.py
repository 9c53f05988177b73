"""The engines through the calls that the comparison makes; those that are not installed are doubled or skipped."""

import sys
import types
import unittest
from typing import Any
from unittest import mock

import numpy as np

import doubles
from engines import ENGINES, Engine, Unsupported, family, named
from engines.base import one_by_one, unit, widths
from engines.linked import are_bytes
from judge import Judge, exact_neighbors

METRICS = ("l2", "ip", "cosine")


def world(metric: str, rows: int = 800, dimensions: int = 16) -> tuple[Any, Any, Judge]:
    draw = np.random.default_rng(3)
    # Clusters, so that partitions have something to find.
    centres = draw.normal(size=(20, dimensions)) * 2
    base, queries = ((centres[draw.integers(20, size=n)] + draw.normal(size=(n, dimensions))).astype(np.float32)
                     for n in (rows, 40))
    truth, _ = exact_neighbors(base, queries, metric, 10)
    return base, queries, Judge(base, queries, metric, truth, 10)


class NameTests(unittest.TestCase):
    def test_an_exact_name_wins_over_a_family(self) -> None:
        self.assertEqual(named("hnswlib"), ["hnswlib"])
        self.assertEqual(named("faiss"), ["faiss-hnsw", "faiss-hnsw-sq8", "faiss-ivf-pq"])
        self.assertEqual(named("needletail, hnswlib,,hnswlib"), ["needletail", "hnswlib"])
        with self.assertRaisesRegex(ValueError, "no engine is called 'annoy'"):
            named("hnswlib,annoy")

    def test_every_name_is_of_a_family(self) -> None:
        self.assertEqual(
            {family(name) for name in ENGINES},
            {"hnswlib", "faiss", "usearch", "scann", "svs", "vsag", "pyglass", "symphonyqg", "needletail"})


class SharedTests(unittest.TestCase):
    def test_widths_rise_and_are_never_below_k(self) -> None:
        for k in (1, 10, 100):
            self.assertEqual(widths(k), sorted(set(widths(k))))
            self.assertGreaterEqual(widths(k)[0], k)

    def test_a_row_of_zeros_has_no_length_to_divide_by(self) -> None:
        rows = unit(np.array([[3, 4], [0, 0]], dtype=np.float32))
        self.assertTrue(np.allclose(rows, np.array([[0.6, 0.8], [0, 0]])))
        self.assertEqual(rows.dtype, np.float32)

    def test_short_answers_end_in_minus_one(self) -> None:
        queries = np.zeros((2, 3), dtype=np.float32)
        ids = one_by_one(lambda query: np.array([5, 1], dtype=np.uint32), queries, 3)
        self.assertEqual(ids.tolist(), [[5, 1, -1], [5, 1, -1]])


class EngineTests(unittest.TestCase):
    """Each engine that is installed, or doubled, finds the right rows at its most exact setting."""

    def check(self, name: str, metric: str, least: float = 0.9) -> Engine:
        base, queries, judge = world(metric)
        kept = base.copy(), queries.copy()
        try:
            engine = ENGINES[name](len(base), base.shape[1], metric)
        except ImportError as error:
            self.skipTest(str(error))
        engine.build(base, 2)
        best = 0.0
        for chain in engine.chains(10):
            ids = engine.search(queries, 10, chain[-1])
            self.assertEqual(ids.shape, (40, 10))
            best = max(best, judge.recall(ids))
        self.assertGreaterEqual(best, least, f"{name}, {metric}")
        self.assertTrue(engine.settings)
        self.assertTrue(np.array_equal(base, kept[0]) and np.array_equal(queries, kept[1]))
        return engine

    def test_hnswlib(self) -> None:
        for metric in METRICS:
            self.check("hnswlib", metric)

    def test_faiss(self) -> None:
        for metric in METRICS:
            self.check("faiss-hnsw", metric)
            self.check("faiss-hnsw-sq8", metric)
            self.check("faiss-ivf-pq", metric)

    def test_faiss_keeps_bytes_without_loss(self) -> None:
        draw = np.random.default_rng(4)
        rows = draw.integers(256, size=(500, 8)).astype(np.float32)
        self.assertTrue(are_bytes(rows))
        self.assertFalse(are_bytes(rows + 0.5))
        self.assertFalse(are_bytes(rows - 1))
        self.assertFalse(are_bytes(rows + 1))
        try:
            engine = ENGINES["faiss-hnsw-sq8"](500, 8, "l2")
        except ImportError as error:
            self.skipTest(str(error))
        engine.build(rows, 1)
        self.assertIn("SQ8_direct", engine.settings)
        ids = engine.search(rows, 1, {"ef": 500})
        self.assertEqual(ids[:, 0].tolist(), list(range(500)))

    def test_usearch(self) -> None:
        for metric in METRICS:
            self.check("usearch-f32", metric)
            self.check("usearch-bf16", metric)
            self.check("usearch-i8", metric)

    def test_scann(self) -> None:
        for metric in METRICS:
            self.check("scann", metric)

    def test_svs(self) -> None:
        for metric in METRICS:
            self.check("svs", metric)
        self.check("svs-d64", "l2")

    def test_vsag(self) -> None:
        for metric in METRICS:
            self.check("vsag", metric)

    def test_pyglass(self) -> None:
        glass = doubles.Glass()
        with mock.patch.dict(sys.modules, {"glass": glass.module}):
            for metric in METRICS:
                self.check("pyglass-sq8", metric, least=1.0)
                self.check("pyglass-sq4", metric, least=1.0)
        # Two threads build; whoever searches afterwards has one.
        self.assertEqual(glass.threads[-2:], [2, 1])

    def test_a_library_about_galaxies_is_not_pyglass(self) -> None:
        with mock.patch.dict(sys.modules, {"glass": types.ModuleType("glass"), "glassppy": None}):
            with self.assertRaises(ImportError):
                ENGINES["pyglass-sq8"](10, 4, "l2")

    def test_symphonyqg(self) -> None:
        with mock.patch.dict(sys.modules, {"symphonyqg": doubles.symphonyqg()}):
            for metric in ("l2", "cosine"):
                self.check("symphonyqg", metric, least=1.0)

    def test_an_engine_says_what_it_cannot_do_before_it_is_built(self) -> None:
        with self.assertRaisesRegex(Unsupported, "inner product"):
            ENGINES["symphonyqg"](10, 4, "ip")


if __name__ == "__main__":
    unittest.main()
