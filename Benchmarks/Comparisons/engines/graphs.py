"""Graph engines: hnswlib, usearch, Intel SVS, vsag, pyglass, SymphonyQG."""

import importlib
import json
from typing import Any

import numpy as np

from .base import (
    BUILD_WIDTH, Engine, Ids, Rows, Setting, Unsupported, one_by_one, prepared, unit, widths)


class Hnswlib(Engine):
    package = "hnswlib"

    def __init__(self, rows: int, dimensions: int, metric: str, m: int) -> None:
        super().__init__(rows, dimensions, metric)
        import hnswlib

        self.m = m
        self.index = hnswlib.Index(space=metric, dim=dimensions)
        self.settings = f"M={m}, efConstruction={BUILD_WIDTH}, f32"

    def build(self, base: Rows, threads: int) -> None:
        self.index.init_index(len(base), ef_construction=BUILD_WIDTH, M=self.m, random_seed=100)
        self.index.add_items(base, num_threads=threads)

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        self.index.set_ef(int(setting["ef"]))
        return self.index.knn_query(queries, k=k, num_threads=threads)[0].astype(np.int64)


class Usearch(Engine):
    package = "usearch"

    def __init__(self, rows: int, dimensions: int, metric: str, scalar: str) -> None:
        super().__init__(rows, dimensions, metric)
        from usearch.index import Index

        self.scalar = scalar
        self.index: Any = Index(
            ndim=dimensions, metric={"cosine": "cos", "ip": "ip", "l2": "l2sq"}[metric], dtype=scalar,
            connectivity=16, expansion_add=BUILD_WIDTH)
        self.settings = f"connectivity=16, expansion_add={BUILD_WIDTH}, {scalar}"
        if scalar == "i8" and metric != "cosine":
            self.settings += ", coded by us with one scale"

    def _coded(self, rows: Rows, scale: Any) -> Any:
        """usearch divides by the row's length when it makes i8 of floats, which only cosine survives.

        So its users hand over bytes: under L2 with one offset and scale, under inner product with one scale for
        all rows and one for each query, neither of which changes an order.
        """
        if self.scalar != "i8" or self.metric == "cosine":
            return rows
        return np.clip(np.rint((rows - self.middle) * scale), -127, 127).astype(np.int8)

    def build(self, base: Rows, threads: int) -> None:
        low, high = float(base.min()), float(base.max())
        self.middle = np.float32((low + high) / 2 if self.metric == "l2" else 0)
        self.scale = np.float32(127 / max(high - float(self.middle), float(self.middle) - low, 1e-30))
        codes = self._coded(base, self.scale)
        self.index.add(np.arange(len(base), dtype=np.uint64), codes, threads=threads)

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        scale: Any = self.scale
        if self.metric == "ip":
            scale = 127 / np.maximum(np.abs(queries).max(axis=1, keepdims=True), np.float32(1e-30))
        self.index.expansion_search = int(setting["ef"])
        found = self.index.search(self._coded(queries, scale), k, threads=threads)
        ids = found.keys.astype(np.int64)
        # A shorter answer leaves the rest of its row unset.
        ids[np.arange(k)[None, :] >= np.asarray(found.counts)[:, None]] = -1
        return ids


class Svs(Engine):
    """Intel's Vamana on floats. Its compressed forms (LVQ, LeanVec) run on Intel's processors alone."""

    package = "scalable-vs"

    def __init__(self, rows: int, dimensions: int, metric: str, degree: int) -> None:
        super().__init__(rows, dimensions, metric)
        import svs

        self.svs, self.degree = svs, degree
        # On unit rows L2 orders as cosine does, and this library walks better under L2.
        self.distance = svs.DistanceType.MIP if metric == "ip" else svs.DistanceType.L2
        self.alpha = 0.95 if metric == "ip" else 1.2
        self.settings = (
            f"Vamana, degree {self.degree}, window {BUILD_WIDTH}, alpha {self.alpha}, f32 (LVQ and LeanVec"
            " need an Intel processor)")

    def build(self, base: Rows, threads: int) -> None:
        parameters = self.svs.VamanaBuildParameters(
            alpha=self.alpha, graph_max_degree=self.degree, window_size=BUILD_WIDTH)
        self.index = self.svs.Vamana.build(
            parameters, prepared(base, self.metric), self.distance, num_threads=threads)

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        if self.index.num_threads != threads:
            self.index.num_threads = threads
        self.index.search_window_size = int(setting["ef"])
        return self.index.search(prepared(queries, self.metric), k)[0].astype(np.int64)


class Vsag(Engine):
    """hgraph on 8-bit codes with floats for the last order. Its Python has no batch call: a loop asks it."""

    package = "pyvsag"
    degree = 32

    def __init__(self, rows: int, dimensions: int, metric: str) -> None:
        super().__init__(rows, dimensions, metric)
        import pyvsag

        self.pyvsag = pyvsag
        pyvsag.set_logger_off()
        self.settings = (
            f"hgraph, sq8, reorder fp32, max_degree {self.degree}, ef_construction {BUILD_WIDTH};"
            " one call a query")

    def chains(self, k: int) -> list[list[Setting]]:
        # Beyond 1 000 it does not refuse, it answers nonsense.
        return [[{"ef": width} for width in widths(k) if width <= 1000]]

    def build(self, base: Rows, threads: int) -> None:
        parameters = {
            "dtype": "float32", "metric_type": self.metric, "dim": self.dimensions,
            "index_param": {
                "base_quantization_type": "sq8", "use_reorder": True, "precise_quantization_type": "fp32",
                "max_degree": self.degree, "ef_construction": BUILD_WIDTH, "build_thread_count": threads}}
        self.index = self.pyvsag.Index("hgraph", json.dumps(parameters))
        self.index.build(
            vectors=base.reshape(-1), ids=np.arange(len(base), dtype=np.int64), num_elements=len(base),
            dim=self.dimensions)

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        if threads != 1:
            raise Unsupported("it takes one query a call")
        parameters = json.dumps({"hgraph": {"ef_search": int(setting["ef"])}})

        def answer(query: Any) -> Any:
            # Which of ids and distances comes first differs between its documentation and itself.
            first, second = self.index.knn_search(vector=query, k=k, parameters=parameters)
            return first if first.dtype.kind == "i" else second

        return one_by_one(answer, queries, k)


class PyGlass(Engine):
    """HNSW over 8- or 4-bit codes with a finer code for the last order; built from source by its users."""

    def __init__(self, rows: int, dimensions: int, metric: str, search: str, refine: str) -> None:
        super().__init__(rows, dimensions, metric)
        self.glass = self._library()
        self.kind = "L2" if metric == "l2" else "IP"
        self.codes, self.refine = search, refine
        self.settings = f"HNSW R=32, L={BUILD_WIDTH}, graph from SQ8U, search {search}, refine {refine}"

    @staticmethod
    def _library() -> Any:
        # PyPI's `glass` is about galaxies; only a library with a Searcher is meant.
        for name in ("glass", "glassppy"):
            try:
                library = importlib.import_module(name)
            except ImportError:
                continue
            if hasattr(library, "Searcher") and hasattr(library, "Index"):
                return library
        raise ImportError("pyglass is not importable; it is built from its sources")

    def chains(self, k: int) -> list[list[Setting]]:
        # It re-orders one and a half times k, which a narrower walk would not have found.
        return [[{"ef": width} for width in widths(k) if 2 * width >= 3 * k]]

    def build(self, base: Rows, threads: int) -> None:
        self.glass.set_num_threads(threads)
        rows = np.ascontiguousarray(prepared(base, self.metric))
        index = self.glass.Index(
            index_type="HNSW", metric=self.kind, R=32, L=BUILD_WIDTH, quant="SQ8U")
        graph = index.build(rows)
        self.searcher = self.glass.Searcher(
            graph=graph, data=rows, metric=self.kind, quantizer=self.codes, refine_quant=self.refine)
        # It chooses how far to prefetch by timing itself: on one thread, as it will be asked.
        self.glass.set_num_threads(1)
        self.searcher.optimize(num_threads=1)

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        self.searcher.set_ef(int(setting["ef"]))
        found = self.searcher.batch_search(prepared(queries, self.metric), k, num_threads=threads)
        # Newer versions answer with distances too.
        ids = found[0] if isinstance(found, tuple) else found
        return np.asarray(ids).reshape(len(queries), k).astype(np.int64)


class SymphonyQG(Engine):
    """1-bit codes of the neighbours inside each row of the graph; built from source by its users."""

    degree = 32

    def __init__(self, rows: int, dimensions: int, metric: str) -> None:
        super().__init__(rows, dimensions, metric)
        if metric == "ip":
            raise Unsupported("it knows L2 alone; cosine is L2 on unit rows, inner product is not")
        import symphonyqg

        self.index = symphonyqg.Index(
            "QG", "L2", num_elements=rows, dimension=dimensions, degree_bound=self.degree)
        self.settings = f"QG R={self.degree}, EF={BUILD_WIDTH}, 3 iterations; one call a query"

    def chains(self, k: int) -> list[list[Setting]]:
        return [[{"ef": ef} for ef in (10, 15, 20, 30, 40, 60, 80, 100, 150, 200, 300, 400, 600, 800, 1200, 2000)
                 if ef >= k]]

    def build(self, base: Rows, threads: int) -> None:
        # The name of the last argument differs between versions, its place does not.
        self.index.build_index(self._rows(base), BUILD_WIDTH, 3, threads)

    def _rows(self, rows: Rows) -> Rows:
        return unit(rows) if self.metric == "cosine" else rows

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        if threads != 1:
            raise Unsupported("it takes one query a call")
        self.index.set_ef(int(setting["ef"]))
        return one_by_one(lambda query: self.index.search(query, k), self._rows(queries), k)
