"""Engines that look into a few lists of a coarse partition: faiss's IVF-PQ with fast scan, ScaNN."""

import math
from typing import Any

from .base import Engine, Ids, Rows, Setting, Unsupported, prepared
from .linked import similarity


def power_of_two(number: float) -> int:
    return 1 << max(0, round(math.log2(max(1.0, number))))


class FaissIvfPq(Engine):
    """4-bit product codes of component pairs, scanned in registers, and the best re-ranked on floats."""

    package = "faiss-cpu"

    def __init__(self, rows: int, dimensions: int, metric: str) -> None:
        super().__init__(rows, dimensions, metric)
        import faiss

        self.faiss: Any = faiss
        # Four times the root of n, as faiss's own guide has it for sets below a million.
        self.lists = min(power_of_two(4 * math.sqrt(rows)), max(1, rows // 39))
        codes = max(1, dimensions // 2)
        while dimensions % codes:
            codes -= 1
        factory = f"IVF{self.lists},PQ{codes}x4fsr,RFlat"
        self.index = self.faiss.index_factory(dimensions, factory, similarity(faiss, metric))
        self.partition = self.faiss.downcast_index(self.index.base_index)
        self.settings = factory

    def chains(self, k: int) -> list[list[Setting]]:
        # More probes than lists spoil its answers under inner product.
        probes = [n for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 256, 512) if n < self.lists]
        return [
            [{"nprobe": probe, "k_factor": factor} for probe in [*probes, self.lists]]
            for factor in (1, 2, 4, 8, 16, 32)]

    def build(self, base: Rows, threads: int) -> None:
        self.faiss.omp_set_num_threads(threads)
        rows = prepared(base, self.metric)
        self.index.train(rows)
        self.index.add(rows)

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        self.faiss.omp_set_num_threads(threads)
        self.partition.nprobe = int(setting["nprobe"])
        self.index.k_factor = float(setting["k_factor"])
        return self.index.search(prepared(queries, self.metric), k)[1]


class Scann(Engine):
    """A tree of one level, anisotropic 4-bit codes of component pairs, and the best re-ranked on floats."""

    package = "scann"

    def __init__(self, rows: int, dimensions: int, metric: str) -> None:
        super().__init__(rows, dimensions, metric)
        import scann

        self.scann = scann
        self.leaves = min(power_of_two(2 * math.sqrt(rows)), max(1, rows // 16))
        # Its anisotropic loss is made for products; under L2 its users turn it off.
        self.threshold = float("nan") if metric == "l2" else 0.2
        self.settings = (
            f"tree({self.leaves}), score_ah(2{'' if metric == 'l2' else ', anisotropic 0.2'}), reorder f32")

    def chains(self, k: int) -> list[list[Setting]]:
        leaves = [n for n in (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256) if n <= self.leaves]
        return [
            [{"leaves": n, "reorder": reorder} for n in leaves]
            for reorder in (max(k, 15), 3 * k, 6 * k, 12 * k, 30 * k, 80 * k, 300 * k)]

    def build(self, base: Rows, threads: int) -> None:
        distance = "squared_l2" if self.metric == "l2" else "dot_product"
        builder = self.scann.scann_ops_pybind.builder(prepared(base, self.metric), 10, distance)
        builder = builder.set_n_training_threads(threads).tree(
            num_leaves=self.leaves, num_leaves_to_search=1, training_sample_size=self.rows,
            spherical=self.metric == "cosine", quantize_centroids=True)
        builder = builder.score_ah(2, anisotropic_quantization_threshold=self.threshold)
        self.index = builder.reorder(100).build()

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        if threads != 1:
            raise Unsupported("this comparison asks ScaNN on one thread only")
        ids, _ = self.index.search_batched(
            prepared(queries, self.metric), final_num_neighbors=k,
            pre_reorder_num_neighbors=int(setting["reorder"]), leaves_to_search=int(setting["leaves"]))
        return ids
