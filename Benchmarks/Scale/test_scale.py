"""Tests of the part that gathers; slopes are tested where they are computed, in NeedletailEvaluationTests."""

import json
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import scale  # noqa: E402


class Gathering(unittest.TestCase):
    def test_prefixes_are_equally_far_apart_in_the_logarithm(self):
        self.assertEqual(scale.prefixes(160_000, 10_000, 5), [10_000, 20_000, 40_000, 80_000, 160_000])
        self.assertEqual(scale.prefixes(200_000, 10_000, 5), [10_000, 21_147, 44_721, 94_574, 200_000])
        with self.assertRaises(SystemExit):
            scale.prefixes(15_000, 10_000, 5)

    def test_a_prefix_is_the_first_rows_as_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            base, part = pathlib.Path(folder) / "base.u8bin", pathlib.Path(folder) / "part.u8bin"
            base.write_bytes((5).to_bytes(4, "little") + (3).to_bytes(4, "little") + bytes(range(15)))
            scale.write_prefix(base, 2, part)
            self.assertEqual(scale.shape(part), (2, 3))
            self.assertEqual(part.read_bytes()[8:], bytes(range(6)))
            base.write_bytes(base.read_bytes()[:-1])
            with self.assertRaises(SystemExit):
                scale.write_prefix(base, 5, part)

    def test_memory_leaves_precise_rows_in_their_file_out(self):
        report = {
            "memory": {"before": {"anonymousBytes": 100}, "after": {"anonymousBytes": 350}},
            "index": {"components": [
                {"name": "codes", "bytes": 1000, "placement": "mapped"},
                {"name": "ids", "bytes": 50, "placement": "resident"},
                {"name": "precise rows", "bytes": 9000, "placement": "mapped"}]}}
        self.assertEqual(scale.resident(report), 1250)

    def test_the_sweep_ends_at_the_recall_and_looks_closer_there(self):
        asked = []

        class Options:
            recall, k, repeats, widths = 0.95, 10, 3, [10, 20, 30, 40, 50, 60, 70]

        def call(_, *arguments):
            widths = [int(w) for w in arguments[arguments.index("--ef") + 1].split(",")]
            asked.append((widths, arguments[arguments.index("--repeats") + 1]))
            return {"points": [{"efSearch": w, "recall": w / (w + 2)} for w in widths]}, (1, 1)

        original, scale.call = scale.call, call
        try:
            report, points = scale.sweep(Options, "index", "query", "truth", "base")
        finally:
            scale.call = original
        # 0.95 is reached at 38, between 30 and 40.
        self.assertEqual(asked, [([10, 20, 30, 40, 50], 1), ([30, 32, 34, 36, 38, 40], 3)])
        self.assertEqual(len(points), 5)
        json.dumps(report)


if __name__ == "__main__":
    unittest.main()
