import concurrent.futures
import copy
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import needletail
import numpy as np
import worlds


class IndexTests(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def index(self, count=500, **options):
        index = needletail.Index(dimensions=24, **options)
        index.add(np.arange(count) * 3, worlds.clusters(count))
        return index

    def test_the_package_says_what_it_is(self):
        self.assertRegex(needletail.__version__, r"^\d+\.\d+\.\d+$")
        self.assertIn(needletail.kernel_level(), ["scalar", "avx2", "avx512", "avx512vnni", "neon"])
        self.assertTrue(pathlib.Path(needletail.__file__).with_name("py.typed").exists())

    def test_an_index_says_what_it_is(self):
        index = self.index(metric="cosine", m=8, ef_construction=50, seed=0, rows="f16")
        self.assertIn("500 × 24, cosine, m=8", repr(index))
        self.assertIn("not built", repr(index))
        self.assertEqual((len(index), index.dimensions, index.metric), (500, 24, "cosine"))
        information = index.information
        self.assertTrue(index.is_built)
        self.assertEqual(
            (information.count, information.dimensions, information.metric, information.m,
             information.ef_construction, information.seed, information.rows, information.codes),
            (500, 24, "cosine", 8, 50, 0, "f16", "int8"))
        self.assertEqual(information.total_bytes, sum(information.bytes.values()))
        self.assertGreaterEqual(information.bytes["rows"], 500 * 24 * 2)

    def test_turbo_mode_is_another_layout_of_the_same_index(self):
        rows, queries = worlds.clusters(600), worlds.clusters(40, seed=2)
        for metric in ["l2", "cosine"]:
            sizes = {}
            for mode in ["auto", "compact", "turbo"]:
                index = needletail.Index(24, metric, mode=mode)
                index.add(None, rows)
                found, _ = index.search(queries, k=10, ef=100, threads=2)
                self.assertGreater(worlds.recall(found, queries, rows, metric), 0.9, mode)
                information = index.information
                self.assertEqual(information.mode, "turbo" if mode == "turbo" else "compact")
                sizes[mode] = information.bytes["codes"]
            self.assertEqual(sizes["auto"], sizes["compact"])
            self.assertEqual(sizes["turbo"], 600 * (64 + 256 + 128 + 64))
        # What is added later is laid out in the same way.
        index.add(None, rows[:1])
        self.assertEqual((index.information.mode, len(index)), ("turbo", 601))

    def test_membership_and_ids(self):
        index = self.index()
        for _ in range(2):
            self.assertTrue(3 in index and 0 in index and np.int64(1497) in index)
            self.assertFalse(1 in index or -3 in index or 2**64 in index or "3" in index)
            np.testing.assert_array_equal(index.ids, np.arange(500) * 3)
            index.build()

    def test_vectors_come_back_as_they_were_added(self):
        rows = worlds.clusters(500)
        for metric, options, tolerance in [
            ("l2", {}, 0), ("ip", {}, 0), ("cosine", {}, 1e-6), ("l2", {"rows": "f16"}, 2e-3)]:
            index = self.index(metric=metric, **options)
            np.testing.assert_allclose(
                index.get([9, 0, 9]), rows[[3, 0, 3]], rtol=tolerance, atol=tolerance)
        self.assertEqual(index.get(9).shape, (1, 24))
        with self.assertRaisesRegex(KeyError, "id 1\\."):
            index.get([0, 1])
        with self.assertRaisesRegex(ValueError, "no precise rows"):
            self.index(rows="none").get([0])

    def test_adding_later_builds_anew(self):
        rows = worlds.clusters(600)
        for metric in ["l2", "cosine", "ip"]:
            index = needletail.Index(24, metric)
            index.add(np.arange(500), rows[:500])
            index.search(rows[:1])
            index.add(np.arange(500, 600), rows[500:])
            self.assertFalse(index.is_built)
            self.assertEqual(len(index), 600)
            once = needletail.Index(24, metric)
            once.add(np.arange(600), rows)
            found, expected = (i.search(rows, k=5)[0] for i in (index, once))
            if metric == "cosine":
                self.assertGreater((found == expected).mean(), 0.99)
            else:
                np.testing.assert_array_equal(found, expected)

    def test_lossy_rows_are_not_built_anew(self):
        for rows in ["bf16", "f16", "none"]:
            index = self.index(rows=rows)
            index.build()
            with self.assertRaisesRegex(ValueError, rows):
                index.add([1], np.ones(24))
            self.assertEqual((len(index), index.is_built), (500, True))
        # Bytes are kept in the codes, without loss.
        index = needletail.Index(2, "l2", rows="bf16")
        index.add(None, [[1, 2], [3, 4]])
        index.build()
        index.add(None, [[5, 6]])
        self.assertEqual(index.get([0, 1, 2]).tolist(), [[1, 2], [3, 4], [5, 6]])

    def test_ids_are_given_or_counted(self):
        index = needletail.Index(2)
        index.add(None, [[0, 0], [1, 1]])
        index.add(10, [2, 2])
        index.add(None, [[3, 3]])
        index.build()
        index.add(None, [4, 4])
        index.add([2**63 - 1], [[5, 5]])
        self.assertEqual(index.ids.tolist(), [0, 1, 10, 11, 12, 2**63 - 1])
        with self.assertRaisesRegex(ValueError, "not 1 numbers"):
            index.add(None, [6, 6])
        with self.assertRaisesRegex(ValueError, "not 1 numbers left"):
            index.build().add(None, [6, 6])
        self.assertEqual(index.search([5, 5], k=1)[0].tolist(), [[2**63 - 1]])

    def test_what_is_added_is_copied_unless_it_is_lent(self):
        rows = worlds.clusters(500)
        for dtype in [np.float32, np.float64, np.float16]:
            source = rows.astype(dtype)
            kept, lent = needletail.Index(24), needletail.Index(24)
            kept.add(None, source)
            lent.add(None, source, copy=False)
            first = source[0].astype(np.float32).copy()
            source[0] = 100
            np.testing.assert_array_equal(kept.get([0])[0], first)
            self.assertEqual((lent.get([0])[0] == 100).all(), dtype != np.float64)
        wide = np.zeros((500, 30), np.float32)
        wide[:, 3:27] = rows
        index = needletail.Index(24)
        index.add(None, wide[:, 3:27], copy=False)
        np.testing.assert_array_equal(index.get(np.arange(500)), rows)

    def test_bad_rows_are_refused_and_nothing_is_taken(self):
        rows = worlds.clusters(10)
        nan, zero = rows.copy(), rows.copy()
        nan[7, 3] = np.nan
        zero[8] = 0
        index = needletail.Index(24, "cosine")
        index.add([100, 50], rows[:2])
        cases = [
            ("Row 7, component 3", range(10), nan), ("Row 8", range(10), zero),
            ("shape", range(9), rows), ("23 components", range(10), rows[:, 1:]),
            ("id 5 is given twice", [5, 5], rows[:2]), ("id 50 is used", [1, 50], rows[:2]),
            ("id 100 is used", [100], rows[:1]), ("float64", [0.5], rows[:1]),
            ("-1", [-1], rows[:1]), ("9223372036854775808", [2**63], rows[:1]),
            ("shape", [[1]], rows[:1])]
        for built in [False, True]:
            for text, ids, vectors in cases:
                with self.subTest(text), self.assertRaisesRegex(ValueError, text):
                    index.add(ids, vectors)
            self.assertEqual((len(index), index.is_built), (2, built))
            index.build()
        far = needletail.Index(2, "l2")
        far.add(None, [[3e38, 3e38]])
        with self.assertRaisesRegex(ValueError, "squared norm") as caught:
            far.build()
        self.assertEqual(caught.exception.code, "nonFiniteComponent")

    def test_bad_options_are_refused(self):
        for text, options in [
            ("dimensions is 0", dict(dimensions=0)), ("16385", dict(dimensions=16_385)),
            ("metric is 'l3'", dict(metric="l3")), ("m is 1", dict(m=1)), ("m is 129", dict(m=129)),
            ("ef_construction is 0", dict(ef_construction=0)), ("seed is -1", dict(seed=-1)),
            ("rows is 'f64'", dict(rows="f64")), ("codes is 7", dict(codes=7)),
            ("mode is ''", dict(mode="")), ("turbo", dict(mode="turbo", metric="ip")),
            ("m=8", dict(mode="turbo", m=8)), ("int4", dict(mode="turbo", codes="int4")),
            ("neither", dict(rows="none", codes="none"))]:
            with self.subTest(text), self.assertRaisesRegex(ValueError, text):
                needletail.Index(**{"dimensions": 4, **options})
        with self.assertRaises(TypeError):
            needletail.Index(dimensions=4.5)
        with self.assertRaises(TypeError):
            needletail.Index()

    def test_saved_indexes_are_opened_again(self):
        rows = worlds.clusters(500)
        index = self.index(metric="cosine")
        expected = index.search(rows, k=5)
        index.save(self.folder / "a")
        self.assertIn(str(self.folder / "a"), repr(index))
        np.testing.assert_array_equal(index.search(rows, k=5)[0], expected[0])
        index.save(self.folder / "b")
        # An index that was never built is built in its place.
        self.index(metric="cosine").save(str(self.folder / "c"))
        for name in "abc":
            path = self.folder / name
            for opened in [
                needletail.Index.load(path), needletail.Index.view(path),
                needletail.Index.load(path, verify=True, map_rows=False),
                needletail.Index(24, "cosine").load(path), needletail.Index(24, "cosine").view(path)]:
                self.assertEqual(len(opened), 500)
                self.assertEqual(opened.information.path, str(path))
                for one, other in zip(expected, opened.search(rows, k=5)):
                    np.testing.assert_array_equal(one, other)
        opened.add([1], rows[:1])
        self.assertEqual(len(opened), 501)
        opened.save(self.folder / "d")
        self.assertEqual(len(needletail.Index.view(self.folder / "d")), 501)
        self.assertEqual(len(needletail.Index.view(self.folder / "c")), 500)
        self.assertEqual(sorted(os.listdir(self.folder)), ["a", "b", "c", "d"])

    def test_what_is_in_the_way_is_not_lost(self):
        index = self.index()
        index.save(self.folder / "index")
        index.save(self.folder / "index")  # where it is already
        other = self.index(100)
        with self.assertRaisesRegex(FileExistsError, "overwrite"):
            other.save(self.folder / "index")
        other.save(self.folder / "index", overwrite=True)
        self.assertEqual(len(needletail.Index.load(self.folder / "index")), 100)
        self.assertEqual(len(index.search(worlds.clusters(3))[0]), 3)
        (self.folder / "papers").mkdir()
        with self.assertRaisesRegex(FileExistsError, "not an index"):
            other.save(self.folder / "papers", overwrite=True)
        with self.assertRaisesRegex(FileNotFoundError, "nowhere"):
            other.save(self.folder / "nowhere" / "index")
        self.assertEqual(sorted(os.listdir(self.folder)), ["index", "papers"])

    def test_what_is_no_index_is_not_opened(self):
        for call in [needletail.Index.load, needletail.Index.view]:
            with self.assertRaisesRegex(FileNotFoundError, "missing") as caught:
                call(self.folder / "missing")
            self.assertEqual(caught.exception.code, "notFound")
            with self.assertRaises(ValueError):
                call("")
            with self.assertRaises(ValueError):
                call("a\0b")
        self.index().save(self.folder / "index")
        for file in (self.folder / "index" / "segments").iterdir():
            file.write_bytes(file.read_bytes()[:-1000])
        with self.assertRaises(needletail.DamagedIndexError):
            needletail.Index.load(self.folder / "index")
        index = needletail.Index(24, "l2")
        self.index(metric="ip").save(self.folder / "other")
        with self.assertRaisesRegex(ValueError, "24 dimensions under ip"):
            index.load(self.folder / "other")

    def test_temporary_directories_go_with_the_index(self):
        old, tempfile.tempdir = tempfile.tempdir, str(self.folder)
        try:
            index = self.index().build()
            self.assertEqual(len(os.listdir(self.folder)), 1)
            index.save(self.folder / "saved")
            self.assertEqual(os.listdir(self.folder), ["saved"])
            with self.index() as other:
                other.search(np.ones(24))
                self.assertEqual(len(os.listdir(self.folder)), 2)
            self.assertEqual(os.listdir(self.folder), ["saved"])
            self.assertIn("closed", repr(other))
            for call in [other.build, lambda: other.search([1]), lambda: other.add(None, [1])]:
                self.assertRaisesRegex(ValueError, "closed", call)
        finally:
            tempfile.tempdir = old

    def test_a_child_does_not_remove_what_its_parent_built(self):
        index = self.index().build()
        child = os.fork()
        if child == 0:
            del index
            os._exit(0)
        os.waitpid(child, 0)
        index.save(self.folder / "saved")
        self.assertEqual(len(needletail.Index.load(self.folder / "saved")), 500)

    def test_a_child_searches_on_threads_of_its_own(self):
        index = self.index().build()
        queries = worlds.clusters(400)
        expected, _ = index.search(queries, k=5, threads=3)
        child = os.fork()
        if child == 0:
            # The threads that helped the parent are not in here.
            signal.alarm(60)
            found, _ = index.search(queries, k=5, threads=3)
            os._exit(0 if (found == expected).all() else 1)
        self.assertEqual(os.waitpid(child, 0)[1], 0)
        self.assertTrue((index.search(queries, k=5, threads=3)[0] == expected).all())

    def test_indexes_are_not_pickled(self):
        for call in [pickle.dumps, copy.copy, copy.deepcopy]:
            self.assertRaisesRegex(TypeError, "save it", call, self.index())

    def test_changes_from_many_threads_wait_for_each_other(self):
        index = needletail.Index(24)
        rows = worlds.clusters(800)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            def add(i):
                index.add(np.arange(i * 100, i * 100 + 100), rows[i * 100 : i * 100 + 100])
                return index.search(rows[i * 100], k=1)[0][0, 0]
            self.assertEqual(list(pool.map(add, range(8))), [i * 100 for i in range(8)])
        self.assertEqual(len(index), 800)

    def test_an_interrupt_ends_a_build_and_keeps_the_rows(self):
        index = needletail.Index(64, ef_construction=500)
        index.add(None, worlds.clusters(30_000, 64))
        # A process that was started in the background ignores the signal, and so does Python then.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
        timer.daemon = True
        timer.start()
        with self.assertRaises(KeyboardInterrupt):
            index.build(threads=1)
        self.assertEqual((len(index), index.is_built), (30_000, False))

    def test_a_missing_openblas_is_explained(self):
        program = (
            "import ctypes\n"
            "def refuse(*_, **__): raise OSError('libopenblas.so.0: cannot open shared object file')\n"
            "ctypes.CDLL = refuse\n"
            "import needletail\n")
        result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        self.assertRegex(result.stderr, "ImportError: .*apt install libopenblas0")


if __name__ == "__main__":
    unittest.main()
