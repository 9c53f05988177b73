"""Needletail for ann-benchmarks."""

import os

import needletail
import numpy as np

from ..base.module import BaseANN


class Needletail(BaseANN):
    """One index; `parameters` go to `needletail.Index` by their names, e.g. `{"mode": "turbo"}`."""

    def __init__(self, metric, parameters):
        metrics = {"angular": "cosine", "euclidean": "l2"}
        if metric not in metrics:
            raise NotImplementedError(f"needletail has no metric {metric!r} here: angular or euclidean")
        self._metric, self._parameters = metrics[metric], dict(parameters)
        self.set_query_arguments(64)

    def fit(self, X):
        rows = np.ascontiguousarray(X, dtype=np.float32)
        ids = np.arange(len(rows), dtype=np.uint64)
        if self._metric == "cosine":
            # A row of zeros has no direction, so that no query can be near it.
            there = rows.any(axis=1)
            if not there.all():
                rows, ids = rows[there], ids[there]
        self._index = needletail.Index(dimensions=rows.shape[1], metric=self._metric, **self._parameters)
        self._index.add(ids, rows)
        self._index.build(threads=os.cpu_count() or 1)

    def set_query_arguments(self, ef):
        self._ef = ef
        words = ", ".join(f"{name}={value}" for name, value in self._parameters.items())
        self.name = f"needletail({words}{', ' if words else ''}ef={ef})"

    def _search(self, queries, n, threads):
        queries = np.ascontiguousarray(queries, dtype=np.float32)
        if self._metric == "cosine" and not queries.any(axis=1).all():
            # To a query without direction everything is equally near: any question will do.
            queries = np.where(queries.any(axis=1, keepdims=True), queries, np.float32(1))
        ids, _ = self._index.search(queries, k=n, ef=max(n, self._ef), threads=threads)
        return ids.astype(np.int64)

    def query(self, q, n):
        ids = self._search(np.asarray(q)[None, :], n, 1)[0]
        return ids[ids >= 0]

    def batch_query(self, X, n):
        self.res = self._search(X, n, os.cpu_count() or 1)

    def get_batch_results(self):
        # A short answer ends in negative numbers.
        return [row[row >= 0] for row in self.res]

    def done(self):
        self._index = None
