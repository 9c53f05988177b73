"""hnswlib's rate of inserts, as our own is measured: batches of 100 into an empty index, on two threads.

    python3 hnswlib_inserts.py BASE METRIC

hnswlib keeps the index in memory alone: nothing is durable, and no search runs meanwhile.
"""

import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Comparisons"))

import hnswlib  # noqa: E402
import vectors  # noqa: E402


def main() -> None:
    path, metric = sys.argv[1:]
    rows = vectors.read(path).astype("float32")
    count = min(len(rows), 40_000) // 100 * 100
    index = hnswlib.Index(space=metric, dim=rows.shape[1])
    index.init_index(max_elements=count, M=16, ef_construction=200)
    start = time.perf_counter()
    for first in range(0, count, 100):
        index.add_items(rows[first : first + 100], range(first, first + 100), num_threads=2)
    seconds = time.perf_counter() - start
    print(
        f"hnswlib's add_items: {count} vectors in"
        f" {seconds:.2f} s, {count / seconds:.0f} a second, batches of 100, 2 threads, M 16, efConstruction 200, not durable"
    )


if __name__ == "__main__":
    main()
