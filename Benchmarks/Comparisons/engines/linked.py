"""faiss's graphs."""

from typing import Any

from .base import BUILD_WIDTH, Engine, Ids, Rows, Setting, prepared


def similarity(faiss: Any, metric: str) -> Any:
    return faiss.METRIC_L2 if metric == "l2" else faiss.METRIC_INNER_PRODUCT


class FaissHnsw(Engine):
    """`HNSW32` on floats, or `HNSW32_SQ8` on bytes. faiss has no cosine: its users normalise."""

    package = "faiss-cpu"

    def __init__(self, rows: int, dimensions: int, metric: str, factory: str) -> None:
        super().__init__(rows, dimensions, metric)
        import faiss

        self.faiss: Any = faiss
        self.index = self.faiss.index_factory(dimensions, factory, similarity(faiss, metric))
        self.index.hnsw.efConstruction = BUILD_WIDTH
        self.settings = f"{factory}, efConstruction={BUILD_WIDTH}"

    def build(self, base: Rows, threads: int) -> None:
        self.faiss.omp_set_num_threads(threads)
        rows = prepared(base, self.metric)
        self.index.train(rows)
        self.index.add(rows)

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        self.faiss.omp_set_num_threads(threads)
        self.index.hnsw.efSearch = int(setting["ef"])
        return self.index.search(prepared(queries, self.metric), k)[1]
