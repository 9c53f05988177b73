"""faiss's graphs."""

from typing import Any

import numpy as np

from .base import BUILD_WIDTH, Engine, Ids, Rows, Setting, prepared


def similarity(faiss: Any, metric: str) -> Any:
    return faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT


def are_bytes(rows: Rows) -> bool:
    """Whether every component is a whole number of a byte: faiss then has a code that loses nothing."""
    return bool(rows.min() >= 0 and rows.max() <= 255 and (rows == np.rint(rows)).all())


class FaissHnsw(Engine):
    """`HNSW32` on floats, or `HNSW32_SQ8` on bytes. faiss has no cosine: its users normalise."""

    package = "faiss-cpu"

    def __init__(self, rows: int, dimensions: int, metric: str, factory: str) -> None:
        super().__init__(rows, dimensions, metric)
        import faiss

        self.faiss: Any = faiss
        self._make(factory)

    def _make(self, factory: str) -> None:
        self.factory = factory
        self.index = self.faiss.index_factory(self.dimensions, factory, similarity(self.faiss, self.metric))
        self.index.hnsw.efConstruction = BUILD_WIDTH
        self.settings = f"{factory}, efConstruction={BUILD_WIDTH}"

    def build(self, base: Rows, threads: int) -> None:
        self.faiss.omp_set_num_threads(threads)
        rows = prepared(base, self.metric)
        if self.factory.endswith("SQ8") and are_bytes(rows):
            self._make(f"{self.factory}_direct")
        self.index.train(rows)
        self.index.add(rows)

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        self.faiss.omp_set_num_threads(threads)
        self.index.hnsw.efSearch = int(setting["ef"])
        return self.index.search(prepared(queries, self.metric), k)[1]
