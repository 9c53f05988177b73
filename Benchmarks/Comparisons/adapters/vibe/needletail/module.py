"""Needletail for VIBE."""

import needletail
import numpy as np

from ..base.module import BaseANN


class Needletail(BaseANN):
    """One index, built and searched by one thread."""

    def __init__(self, metric, mode, m, ef_construction):
        # On unit rows cosine orders as the inner product does, and needs no reduction.
        metrics = {"cosine": "cosine", "normalized": "cosine", "euclidean": "l2", "ip": "ip"}
        if metric not in metrics:
            raise NotImplementedError(f"needletail has no metric {metric!r}: {', '.join(metrics)}")
        self._metric = metrics[metric]
        self._mode, self._m, self._ef_construction, self._ef = mode, m, ef_construction, 64

    def fit(self, X):
        rows = np.ascontiguousarray(X, dtype=np.float32)
        ids = np.arange(len(rows), dtype=np.uint64)
        if self._metric == "cosine":
            # A row of zeros has no direction, so that no query can be near it.
            there = rows.any(axis=1)
            if not there.all():
                rows, ids = rows[there], ids[there]
        self._index = needletail.Index(
            dimensions=rows.shape[1], metric=self._metric, mode=self._mode, m=self._m,
            ef_construction=self._ef_construction)
        self._index.add(ids, rows)
        self._index.build(threads=1)

    def set_query_arguments(self, ef):
        self._ef = ef

    def _search(self, queries, n):
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if self._metric == "cosine" and not queries.any(axis=1).all():
            # To a query without direction everything is equally near: any question will do.
            queries = np.where(queries.any(axis=1, keepdims=True), queries, np.float32(1))
        ids, _ = self._index.search(queries, k=n, ef=max(n, self._ef), threads=1)
        return ids.astype(np.int64)

    def query(self, v, n):
        ids = self._search(np.asarray(v)[None, :], n)[0]
        return ids[ids >= 0]

    def batch_query(self, X, n):
        self.res = self._search(X, n)

    def get_batch_results(self):
        # A short answer ends in negative numbers.
        return [row[row >= 0] for row in self.res]

    def __str__(self):
        return (
            f"Needletail(mode={self._mode}, m={self._m}, efConstruction={self._ef_construction},"
            f" efSearch={self._ef})")
