import pathlib
import shutil
import tempfile
import threading
import unittest

import needletail
import numpy as np
import worlds


class SearchTests(unittest.TestCase):
    def test_most_true_neighbours_are_found_under_every_metric(self):
        rows = worlds.clusters(2_000)
        queries = worlds.clusters(50, seed=1)
        for metric in ["l2", "cosine", "ip"]:
            index = needletail.Index(dimensions=24, metric=metric)
            index.add(np.arange(2_000), rows)
            ids, distances = index.search(queries, k=10, ef=128)
            self.assertEqual((ids.shape, ids.dtype), ((50, 10), np.int64))
            self.assertEqual((distances.shape, distances.dtype), ((50, 10), np.float32))
            self.assertGreater(worlds.recall(ids, queries, rows, metric), 0.95, metric)
            exact = np.take_along_axis(worlds.distances(queries, rows, metric), ids, axis=1)
            np.testing.assert_allclose(distances, exact, rtol=1e-4, atol=1e-5)
            self.assertTrue((np.diff(distances, axis=1) >= 0).all())

    def test_threads_and_calls_of_any_size_give_the_same_answers(self):
        rows = worlds.clusters(3_000)
        index = needletail.Index(24, "cosine")
        index.add(None, rows)
        expected = index.search(rows, k=3, ef=40)
        for threads in [2, 3, 0, None]:
            for one, other in zip(expected, index.search(rows, k=3, ef=40, threads=threads)):
                np.testing.assert_array_equal(one, other)
        for i in range(0, 3_000, 37):
            ids, distances = index.search(rows[i], k=3, ef=40)
            np.testing.assert_array_equal(ids, expected[0][i : i + 1])
            np.testing.assert_array_equal(distances, expected[1][i : i + 1])

    def test_one_query_may_be_a_plain_vector(self):
        index = needletail.Index(dimensions=3)
        index.add([5, 9], [[0, 0, 0], [1, 1, 1]])
        ids, distances = index.search([0.9, 1, 1], k=1)
        self.assertEqual((ids.tolist(), ids.shape, distances.shape), ([[9]], (1, 1), (1, 1)))

    def test_missing_answers_are_marked(self):
        index = needletail.Index(dimensions=2)
        index.add([7], [[1, 2]])
        for queries in [[[1, 2], [0, 0]], [1, 2]]:
            ids, distances = index.search(queries, k=3)
            self.assertEqual(ids[0].tolist(), [7, -1, -1])
            self.assertTrue(np.isinf(distances[:, 1:]).all() and (distances[:, 1:] > 0).all())

    def test_an_index_of_nothing_finds_nothing(self):
        index = needletail.Index(dimensions=2)
        ids, _ = index.search([[1, 2]], k=2)
        self.assertEqual((ids.tolist(), len(index)), ([[-1, -1]], 0))
        self.assertEqual(index.search(np.empty((0, 2)), k=2)[0].shape, (0, 2))

    def test_every_type_and_layout_of_queries_gives_the_same_answers(self):
        draw = np.random.default_rng(3)
        rows = draw.integers(0, 100, (600, 8))
        index = needletail.Index(dimensions=8, metric="l2")
        index.add(np.arange(600), rows.astype(np.uint8))
        expected = index.search(rows.astype(np.float32), k=1)
        self.assertTrue((expected[1] == 0).all())
        wide = np.zeros((600, 20), np.float32)
        wide[:, 4:12] = rows
        forms = [rows.astype(t) for t in
                 ["f2", "f8", "i1", "u1", "i2", "i4", "i8", ">f4", ">f8", "<u4"]]
        forms += [np.asfortranarray(rows.astype("f4")), wide[:, 4:12], wide[::-1, 4:12][::-1],
                  rows.tolist(), rows.astype("f4").copy()[:, ::-1][:, ::-1]]
        for form in forms:
            np.testing.assert_array_equal(index.search(form, k=1)[0], expected[0])
            np.testing.assert_array_equal(index.search(form[7], k=1)[0], expected[0][7:8])
        backwards = index.search(wide[::-1, 4:12], k=1)
        np.testing.assert_array_equal(backwards[0], expected[0][::-1])

    def test_searches_run_beside_each_other(self):
        rows = worlds.clusters(3_000)
        index = needletail.Index(24)
        index.add(None, rows)
        # The first search builds, and the other threads wait for it.
        answers = [None] * 4

        def work(number):
            answers[number] = index.search(rows[number * 500 : number * 500 + 500], k=1)[0]

        threads = [threading.Thread(target=work, args=[i]) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        found = np.concatenate(answers)[:, 0]
        self.assertGreater((found == np.arange(2_000)).mean(), 0.99)

    def test_a_tuned_index_is_asked_for_a_recall(self):
        world = worlds.clusters(4_200)
        rows, queries = world[:4_000], world[4_000:]
        index = needletail.Index(24, "l2")
        index.add(None, rows)
        with self.assertRaisesRegex(ValueError, "tune"):
            index.search(queries, recall=0.9)
        with self.assertRaisesRegex(ValueError, "tune"):
            index.search(queries[0], recall=0.9)
        folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, folder)
        self.assertFalse(index.information.is_tuned)
        for form in [index.tune(queries), index.tune(seconds=5, threads=1)]:
            self.assertTrue(form.information.is_tuned)
            ids, _ = index.search(queries, recall=0.9)
            self.assertGreater(worlds.recall(ids, queries, rows, "l2"), 0.85)
        index.save(folder / "index")
        for opened in [index.tune(queries), needletail.Index.view(folder / "index")]:
            self.assertTrue(opened.information.is_tuned)
            self.assertEqual(opened.search(queries[0], k=10, recall=0.99)[0].shape, (1, 10))
        with self.assertRaisesRegex(ValueError, "5 components"):
            index.tune(np.ones((9, 5)))
        with self.assertRaisesRegex(ValueError, "seconds is -1"):
            index.tune(seconds=-1)

    def test_bad_queries_are_refused_with_numbers(self):
        index = needletail.Index(dimensions=4, metric="cosine")
        index.add(None, np.eye(4))
        many = np.ones((2_000, 4), np.float32)
        many[1_700, 1] = np.nan
        zero = np.ones((3, 4))
        zero[2] = 0
        cases = [
            ("5 components", dict(queries=np.ones((2, 5)))),
            ("shape", dict(queries=np.ones((2, 2, 4)))),
            ("Query 1700", dict(queries=many)),
            ("Query 2", dict(queries=zero)),
            ("complex", dict(queries=np.ones((1, 4), complex))),
            ("type", dict(queries=[["a", "b", "c", "d"]])),
            ("k is 0", dict(queries=many[:1], k=0)),
            ("k is -3", dict(queries=many[:1], k=-3)),
            ("k is 1048577", dict(queries=many[:1], k=1_048_577)),
            ("ef is 0", dict(queries=many[:1], ef=0)),
            ("threads is -1", dict(queries=many[:1], threads=-1)),
            ("recall is 0", dict(queries=many[:1], recall=0)),
            ("recall is nan", dict(queries=many[:1], recall=float("nan"))),
            ("recall is 1.5", dict(queries=many[:1], recall=1.5)),
        ]
        for text, arguments in cases:
            with self.subTest(text), self.assertRaisesRegex(ValueError, text):
                index.search(**arguments)
        for arguments in [dict(k=1.5), dict(k="10"), dict(ef=None), dict(recall="0.9")]:
            with self.assertRaises(TypeError):
                index.search(many[:1], **arguments)


if __name__ == "__main__":
    unittest.main()
