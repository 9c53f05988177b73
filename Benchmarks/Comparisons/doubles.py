"""Stand-ins for tests: libraries as their documentation has them, answering exactly and slowly."""

import types
from typing import Any

import numpy as np

import judge


class NeedletailIndex:
    """The calls of `needletail.Index` that are used here. Short answers are filled with −1 and infinity."""

    def __init__(self, *, dimensions: int, metric: str = "l2", **options: Any) -> None:
        self.dimensions, self.metric, self.options = dimensions, metric, options
        self.ids: Any = np.empty(0, dtype=np.uint64)
        self.rows: Any = np.empty((0, dimensions), dtype=np.float32)
        self.threads, self.asked = 0, 0

    def add(self, ids: Any, vectors: Any) -> None:
        if vectors.shape != (len(ids), self.dimensions):
            raise ValueError("one id for each vector")
        if self.metric == "cosine" and not vectors.any(axis=1).all():
            raise ValueError("a vector of zeros has no direction")
        self.ids, self.rows = np.append(self.ids, ids), np.vstack([self.rows, vectors])

    def build(self, threads: int = 1) -> None:
        self.threads = threads

    def search(self, queries: Any, k: int = 10, ef: int = 64, threads: int = 1) -> tuple[Any, Any]:
        if ef < k:
            raise ValueError("ef is at least k")
        if self.metric == "cosine" and not queries.any(axis=1).all():
            raise ValueError("a vector of zeros has no direction")
        self.asked = ef
        near, far = judge.exact_neighbors(self.rows, queries, self.metric, min(k, len(self.rows)))
        ids = np.full((len(queries), k), -1, dtype=np.int64)
        distances = np.full((len(queries), k), np.inf, dtype=np.float32)
        ids[:, : near.shape[1]], distances[:, : near.shape[1]] = self.ids[near].astype(np.int64), far
        return ids, distances


def needletail() -> types.ModuleType:
    module = types.ModuleType("needletail")
    module.Index = NeedletailIndex  # type: ignore[attr-defined]
    return module


class Glass:
    """pyglass, as its users build it today: quantisers by name, ids and distances from a batch."""

    def __init__(self) -> None:
        self.module = types.ModuleType("glass")
        threads: list[int] = []

        class Index:
            def __init__(self, index_type: str, metric: str, R: int, L: int, quant: str) -> None:
                assert (index_type, metric in ("L2", "IP")) == ("HNSW", True)

            def build(self, data: Any) -> str:
                return "graph"

        class Searcher:
            def __init__(
                self, graph: str, data: Any, metric: str, quantizer: str, refine_quant: str) -> None:
                assert graph == "graph"
                self.data, self.metric = data.copy(), metric
                self.ef = 0

            def optimize(self, num_threads: int) -> None:
                pass

            def set_ef(self, ef: int) -> None:
                self.ef = ef

            def batch_search(self, queries: Any, k: int, num_threads: int) -> tuple[Any, Any]:
                kind = {"L2": "l2", "IP": "ip"}[self.metric]
                ids, distances = judge.exact_neighbors(self.data, queries, kind, k)
                return ids.astype(np.int32).reshape(-1), distances

        self.module.Index, self.module.Searcher = Index, Searcher  # type: ignore[attr-defined]
        self.module.set_num_threads = threads.append  # type: ignore[attr-defined]
        self.threads = threads


def symphonyqg() -> types.ModuleType:
    """SymphonyQG: squared L2, one query a call."""
    class Index:
        def __init__(
            self, kind: str, metric: str, num_elements: int, dimension: int, degree_bound: int) -> None:
            if (kind, metric) != ("QG", "L2") or degree_bound % 32:
                raise ValueError("QG, L2 and a multiple of 32")

        def build_index(self, data: Any, EF: int, num_iter: int = 3, num_threads: int = 1) -> None:
            self.data = data.copy()

        def set_ef(self, ef: int) -> None:
            self.ef = ef

        def search(self, query: Any, k: int) -> Any:
            return judge.exact_neighbors(self.data, query[None, :], "l2", k)[0][0].astype(np.uint32)

    module = types.ModuleType("symphonyqg")
    module.Index = Index  # type: ignore[attr-defined]
    return module
