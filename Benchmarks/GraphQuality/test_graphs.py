"""Tests of the readers, the walk and the figures; numpy only: python3 -m unittest discover --start-directory …"""

import pathlib
import struct
import sys
import tempfile
import unittest

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "Comparisons")]

import graph_quality  # noqa: E402
import graphs  # noqa: E402
import walker  # noqa: E402

# Three rows of two components; row labels are turned round, so that places and rows differ.
LISTS = [[1, 2], [0], [0, 1]]
LABELS = [2, 0, 1]


def hnswlib_file(lists=LISTS, labels=LABELS, max_m0=4, entry=0, upper=b"", change=None):
    """A file as `save_index` writes it, by hand."""
    count, data = len(lists), 8
    size = 4 + 4 * max_m0 + data + 8
    header = [0, count, count, size, 4 + 4 * max_m0 + data, 4 + 4 * max_m0, 0, entry, 2, max_m0, 2, 1.0, 200]
    for index, value in (change or {}).items():
        header[index] = value
    body = b""
    for links, label in zip(lists, labels):
        filled = links + [7] * (max_m0 - len(links))
        body += struct.pack("<HH", len(links), 0) + np.array(filled, dtype="<u4").tobytes()
        body += bytes(data) + struct.pack("<Q", label)
    return struct.pack("<6QiI3QdQ", *header) + body + (upper or b"\0\0\0\0" * count)


def segment_file(lists=((1, 2), (0,), (0, 1)), ids=(2, 0, 1), degree=4, rows=3):
    """A segment with nothing but the sections that are read; its checksums are not looked at."""
    parameters = bytearray(216)
    struct.pack_into("<II", parameters, 20, 2, 200)
    struct.pack_into("<QI", parameters, 40, rows, 1)
    links = np.full((len(lists), degree), 0xFFFFFFFF, dtype="<u4")
    for place, row in enumerate(lists):
        links[place, : len(row)] = row
    sections = [(b"PARM", bytes(parameters)), (b"LNK0", links.tobytes()),
                (b"IDEN", np.array(ids, dtype="<u8").tobytes())]
    header, body, offset = bytearray(4096), b"", 4096
    for i, (kind, content) in enumerate(sections):
        struct.pack_into("<4sIQQQ", header, 64 + 32 * i, kind, 0, offset, len(content), 0)
        content += bytes(-len(content) % 64)
        body, offset = body + content, offset + len(content)
    header[:16] = b"\x89NDLSEG\n" + struct.pack("<II", 1, 4096)
    struct.pack_into("<QQI", header, 32, 4096 + len(body), 0, len(sections))
    return bytes(header) + body


class Readers(unittest.TestCase):
    # By row: row 2 is place 0, whose links are the places 1 and 2, which are the rows 0 and 1.
    EXPECTED = [[2, 3, 3, 3], [2, 0, 3, 3], [0, 1, 3, 3]]

    def read_hnswlib(self, content):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "index.bin"
            path.write_bytes(content)
            return graphs.read_hnswlib(path)

    def read_needletail(self, content):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "segments"
            path.mkdir()
            (path / "x.segment").write_bytes(content)
            return graphs.read_needletail(folder)

    def test_both_readers_see_the_same_graph(self):
        for graph in (self.read_hnswlib(hnswlib_file()), self.read_needletail(segment_file())):
            self.assertEqual(graph.links.tolist(), self.EXPECTED)
            self.assertEqual(graph.entry, 2)
            self.assertEqual(graph.degrees.tolist(), [1, 2, 2])

    def test_upper_links_are_passed_over(self):
        upper = struct.pack("<II", 12, 1) + bytes(8) + bytes(8)
        graph = self.read_hnswlib(hnswlib_file(upper=upper, change={6: 1}))
        self.assertEqual((graph.links.tolist(), graph.levels), (self.EXPECTED, 2))

    def test_truncations_are_refused(self):
        segment = segment_file()
        for content, read, lengths in (
                (hnswlib_file(), self.read_hnswlib, range(len(hnswlib_file()))),
                # Of a segment's header, which is empty for the most part, some.
                (segment, self.read_needletail, [*range(0, 4096, 61), *range(4096, len(segment))])):
            for length in lengths:
                with self.assertRaises(graphs.Damaged, msg=length):
                    read(content[:length])

    def test_what_contradicts_itself_is_refused(self):
        bad = [
            dict(change={2: 0}), dict(change={2: 1 << 60}), dict(change={3: 1 << 60}), dict(change={3: 20}),
            dict(change={4: 1 << 40}), dict(change={5: 0}), dict(change={9: 1 << 40}), dict(change={7: 3}),
            dict(change={6: -1}), dict(change={0: 8}), dict(lists=[[1, 9], [0], [0]]), dict(labels=[0, 0, 1]),
            dict(labels=[0, 1, 5]), dict(upper=b"\xff\xff\xff\xff" * 3)]
        for arguments in bad:
            with self.assertRaises(graphs.Damaged, msg=arguments):
                self.read_hnswlib(hnswlib_file(**arguments))
        broken = bytearray(hnswlib_file())
        struct.pack_into("<H", broken, graphs._HNSWLIB.size, 5)
        with self.assertRaises(graphs.Damaged):
            self.read_hnswlib(bytes(broken))

    def test_segments_that_are_none_are_refused(self):
        for content in (b"", b"\x89NDLQNT\n" + bytes(5000), segment_file(rows=0), segment_file(rows=1 << 60),
                        segment_file(ids=(0, 1)), segment_file(ids=(7, 8, 9))):
            with self.assertRaises(graphs.Damaged):
                self.read_needletail(content)

    def test_random_damage_gives_a_graph_or_damaged(self):
        random = np.random.default_rng(42)
        for content, read in ((hnswlib_file(), self.read_hnswlib), (segment_file(), self.read_needletail)):
            for _ in range(200):
                broken = bytearray(content)
                for at in random.integers(0, len(broken), 3):
                    broken[at] = random.integers(0, 256)
                try:
                    graph = read(bytes(broken))
                except graphs.Damaged:
                    continue
                self.assertTrue((graph.links <= len(graph.links)).all() and graph.entry < len(graph.links))


class Walks(unittest.TestCase):
    def setUp(self):
        random = np.random.default_rng(7)
        self.rows = random.standard_normal((300, 19), dtype=np.float32)
        self.queries = random.standard_normal((40, 19), dtype=np.float32)
        self.starts = random.integers(0, 300, 40)
        self.links = np.array([random.choice(300, 12, replace=False) for _ in range(300)], dtype=np.uint32)
        self.links[random.random(self.links.shape) < 0.2] = 300

    def distances(self, product):
        if product:
            return -(self.queries.astype(np.float64) @ self.rows.T)
        return ((self.queries[:, None, :].astype(np.float64) - self.rows[None]) ** 2).sum(axis=2)

    def test_over_all_links_the_walk_is_exact(self):
        ring = (np.arange(300)[:, None] + np.arange(1, 300)[None, :]) % 300
        for product in (False, True):
            walk = walker.Walker(self.rows, self.queries, product)
            found, evaluations, _ = walk.walk(ring, self.starts, 10, 10)
            exact = np.argsort(self.distances(product), axis=1)[:, :10]
            self.assertEqual(found.tolist(), exact.tolist())
            self.assertEqual(set(evaluations.tolist()), {300})

    def test_the_walk_is_the_slow_definition(self):
        for product in (False, True):
            distances = self.distances(product)
            walk = walker.Walker(self.rows, self.queries, product)
            for width in (3, 10, 40):
                found, evaluations, hops = walk.walk(self.links, self.starts, width, 3)
                for q in range(0, 40, 3):
                    expected = self.slowly(distances[q], int(self.starts[q]), width)
                    self.assertEqual(found[q].tolist(), (expected[0] + [-1] * 3)[:3])
                    self.assertEqual((evaluations[q], hops[q]), expected[1:])

    def slowly(self, distances, start, width):
        """Best first: expand the nearest row not yet expanded of the `width` nearest ones seen."""
        seen, expanded = {start}, set()
        while True:
            pool = sorted(seen, key=lambda row: distances[row])[:width]
            row = next((row for row in pool if row not in expanded), None)
            if row is None:
                return pool, len(seen), len(expanded)
            expanded.add(row)
            for link in self.links[row].tolist():
                if link >= 300:
                    break
                seen.add(link)

    def test_wrong_shapes_are_refused(self):
        walk = walker.Walker(self.rows, self.queries, False)
        for links, starts, width, k in (
                (self.links[:10], self.starts, 10, 10), (self.links, self.starts[:3], 10, 10),
                (self.links, self.starts + 300, 10, 10), (self.links, self.starts, 5, 10),
                (self.links, self.starts, 5, 0)):
            with self.assertRaises(ValueError):
                walk.walk(links, starts, width, k)


class Figures(unittest.TestCase):
    def points(self, *pairs):
        return [{"width": i, "recall": r, "evaluationsPerQuery": e, "hopsPerQuery": 1.0}
                for i, (r, e) in enumerate(pairs)]

    def test_evaluations_are_taken_between_points(self):
        points = self.points((0.9, 100), (0.98, 400))
        self.assertAlmostEqual(graph_quality.evaluations_at(points, 0.94)["value"], 200)
        above = graph_quality.evaluations_at(points, 0.8)
        self.assertEqual((round(above["value"], 6), above["how"]), (100, "above"))
        self.assertIsNone(graph_quality.evaluations_at(points, 0.99)["value"])
        self.assertAlmostEqual(graph_quality.recall_at(points, 200), 0.94)
        self.assertIsNone(graph_quality.recall_at(points, 99))

    def test_a_verdict_compares_recall_at_equal_evaluations(self):
        theirs = self.points((0.9, 100), (0.98, 400))
        better, worse = self.points((0.91, 100), (0.99, 400)), self.points((0.89, 100), (0.97, 400))
        self.assertTrue(graph_quality.verdict(better, theirs, 0.94)["met"])
        self.assertTrue(graph_quality.verdict(theirs, theirs, 0.94)["met"])
        self.assertFalse(graph_quality.verdict(worse, theirs, 0.94)["met"])
        # The level is below both: compared at the fewest evaluations that both have.
        below = graph_quality.verdict(self.points((0.92, 150), (0.97, 400)), theirs, 0.8)
        self.assertAlmostEqual(below["evaluations"], 150)
        self.assertFalse(below["met"])

    def test_builds_are_averaged_where_all_were_measured(self):
        mean = graph_quality.mean_points([self.points((0.8, 10), (0.9, 20)), self.points((0.9, 20))])
        self.assertEqual(len(mean), 1)
        self.assertAlmostEqual(mean[0]["recall"], 0.85)
        self.assertAlmostEqual(mean[0]["evaluationsPerQuery"], 15)


if __name__ == "__main__":
    unittest.main()
