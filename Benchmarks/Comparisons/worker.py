"""One rival engine in a process of its own, driven by JSON lines: so that its memory is its own.

    python3 worker.py ENGINE BASE QUERIES METRIC K M EF_CONSTRUCTION

Reads one request a line and answers each with one line. `compare.py` is the other end.
"""

import ctypes
import gc
import importlib.metadata
import json
import os
import sys
import time

import numpy as np

import vectors


class Hnswlib:
    package = "hnswlib"

    def __init__(self, dimensions, metric, m, ef_construction):
        import hnswlib

        self.index = hnswlib.Index(space=metric, dim=dimensions)
        self.m, self.ef_construction = m, ef_construction
        self.settings = f"M={m}, efConstruction={ef_construction}, f32"

    def build(self, base, threads):
        self.index.init_index(len(base), ef_construction=self.ef_construction, M=self.m, random_seed=100)
        self.index.add_items(base, num_threads=threads)

    def search(self, queries, k, ef):
        self.index.set_ef(ef)
        return self.index.knn_query(queries, k=k, num_threads=1)[0]


class Faiss:
    package = "faiss-cpu"

    def __init__(self, dimensions, metric, m, ef_construction):
        import faiss

        self.faiss, self.normalises = faiss, metric == "cosine"
        kind = faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT
        self.index = faiss.index_factory(dimensions, "HNSW32", kind)
        self.index.hnsw.efConstruction = ef_construction
        self.settings = f"HNSW32, efConstruction={ef_construction}, f32"

    def _prepared(self, rows):
        # faiss has no cosine: its users normalise, and that is part of the work.
        if not self.normalises:
            return rows
        rows = rows.copy()
        self.faiss.normalize_L2(rows)
        return rows

    def build(self, base, threads):
        self.faiss.omp_set_num_threads(threads)
        self.index.add(self._prepared(base))
        self.faiss.omp_set_num_threads(1)

    def search(self, queries, k, ef):
        self.index.hnsw.efSearch = ef
        return self.index.search(self._prepared(queries), k)[1]


class Usearch:
    package = "usearch"

    def __init__(self, dimensions, metric, m, ef_construction):
        from usearch.index import Index

        self.index = Index(
            ndim=dimensions, metric={"cosine": "cos", "ip": "ip", "l2": "l2sq"}[metric], dtype="f32",
            connectivity=m, expansion_add=ef_construction)
        self.settings = f"connectivity={m}, expansion_add={ef_construction}, f32"

    def build(self, base, threads):
        self.index.add(np.arange(len(base), dtype=np.uint64), base, threads=threads)

    def search(self, queries, k, ef):
        self.index.expansion_search = ef
        found = self.index.search(queries, k, threads=1)
        ids = found.keys.astype(np.int64)
        # A shorter answer leaves the rest of its row unset.
        ids[np.arange(k)[None, :] >= np.asarray(found.counts)[:, None]] = -1
        return ids


ENGINES = {"hnswlib": Hnswlib, "faiss": Faiss, "usearch": Usearch}


def resident():
    """Bytes of this process in memory: all, and those without a file behind them."""
    gc.collect()
    try:
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    except OSError:
        pass  # another C library: freed memory may still be counted
    with open("/proc/self/smaps_rollup", encoding="ascii") as file:
        fields = {line.split()[0]: int(line.split()[1]) * 1024 for line in file if line.endswith("kB\n")}
    return {"resident": fields["Rss:"], "anonymous": fields["Anonymous:"]}


def pin(cores):
    """Puts every thread of this process on `cores`; threads that it starts later inherit them."""
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), cores)


def main():
    engine_name, base_path, queries_path, metric, k, m, ef_construction = sys.argv[1:]
    k, m, ef_construction = int(k), int(m), int(ef_construction)
    # Only answers may reach the other end: what a library prints goes to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    queries = np.ascontiguousarray(vectors.read(queries_path), dtype=np.float32)
    base = np.ascontiguousarray(vectors.read(base_path), dtype=np.float32)
    engine = ENGINES[engine_name](base.shape[1], metric, m, ef_construction)
    before = resident()

    def build(request):
        pin(request["cores"])
        start = time.perf_counter()
        engine.build(base, request["threads"])
        return {"seconds": time.perf_counter() - start, "settings": engine.settings,
                "version": importlib.metadata.version(engine.package)}

    def search(request):
        pin(request["cores"])
        ids = engine.search(queries, k, request["ef"])
        np.save(request["file"], ids.astype(np.int64))
        return {}

    def measure(request):
        pin(request["cores"])
        engine.search(queries, k, request["ef"])
        seconds = []
        for _ in range(request["passes"]):
            start = time.perf_counter()
            engine.search(queries, k, request["ef"])
            seconds.append(time.perf_counter() - start)
        return {"seconds": seconds}

    def memory(request):
        # The base stays in this process before and after, so that the difference is the engine's.
        after = resident()
        return {kind: after[kind] - before[kind] for kind in after}

    requests = {"build": build, "search": search, "measure": measure, "memory": memory}
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = requests[request["do"]](request)
        except (RuntimeError, ValueError, MemoryError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
