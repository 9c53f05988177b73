"""The one place where recall is computed, and where a sweep becomes figures at fixed recalls.

An answer counts when its distance, recomputed here in double precision, is at most d_k + 1e-6·s, where d_k is
the exact distance of the k-th neighbour and s the scale of the metric: d_k for squared L2, 1 for cosine,
‖q‖·max‖x‖ for inner product. Duplicates and missing answers are wrong.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from vectors import Array

Point = dict[str, Any]

TOLERANCE = 1e-6


class Judge:
    """Judges answers to one query set at one k, for every engine alike."""

    def __init__(self, base: Array, queries: Array, metric: str, truth_ids: Array, k: int) -> None:
        """`base` and `queries` are rows of any element type; `truth_ids` is `[queries, at least k]`."""
        if truth_ids.shape[1] < k:
            raise ValueError(f"the ground truth has {truth_ids.shape[1]} neighbours, but k is {k}")
        self.metric, self.k = metric, k
        self.base = base
        self.queries = queries.astype(np.float64)
        if metric == "cosine":
            self.queries /= np.linalg.norm(self.queries, axis=1, keepdims=True)
        kth = self.distances(truth_ids[:, :k]).max(axis=1)
        if metric == "l2":
            scale = kth
        elif metric == "cosine":
            scale = np.ones(len(queries))
        else:
            scale = np.linalg.norm(self.queries, axis=1) * self._norms().max()
        self.threshold = kth + TOLERANCE * scale

    def _norms(self) -> Array:
        squares = np.einsum("ij,ij->i", self.base, self.base, dtype=np.float64)
        return np.sqrt(squares)

    def distances(self, ids: Array) -> Array:
        """Exact distances of the rows `ids` `[queries, n]` in double precision; infinite where an id is −1."""
        result = np.full(ids.shape, np.inf)
        for i, row in enumerate(ids):
            there = row >= 0
            rows = self.base[row[there]].astype(np.float64)
            if self.metric == "l2":
                result[i, there] = ((rows - self.queries[i]) ** 2).sum(axis=1)
            elif self.metric == "cosine":
                result[i, there] = 1 - rows @ self.queries[i] / np.linalg.norm(rows, axis=1)
            else:
                result[i, there] = -(rows @ self.queries[i])
        return result

    def recall(self, ids: Any) -> float:
        """The share of right answers in `ids`, `[queries, k]`, −1 where there is no answer."""
        ids = np.asarray(ids, dtype=np.int64)[:, : self.k]
        if ids.shape[0] != len(self.queries):
            raise ValueError(f"answers to {ids.shape[0]} queries, but there are {len(self.queries)}")
        if ids.size and ids.max() >= len(self.base):
            raise ValueError(f"an answer names row {ids.max()}, but there are {len(self.base)}")
        right = self.distances(ids) <= self.threshold[:, None]
        order = np.argsort(ids, axis=1, kind="stable")
        ordered = np.take_along_axis(ids, order, axis=1)
        again = np.zeros(ids.shape, dtype=bool)
        np.put_along_axis(again, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
        return float((right & ~again).sum() / (len(self.queries) * self.k))


def frontier(points: Sequence[Point], value: str = "queriesPerSecond") -> list[Point]:
    """The points that no other point beats in both recall and speed, by rising recall."""
    best, kept = -math.inf, []
    for point in sorted(points, key=lambda p: (p["recall"], p[value]), reverse=True):
        if point[value] > best:
            best = point[value]
            kept.append(point)
    return kept[::-1]


def worth_timing(
    points: Sequence[Point], value: str, slack: float = 1.6, floor: float = 0.85,
) -> list[Point]:
    """The points that careful timing could still put on the frontier, going by one rough pass.

    Kept is what `slack` times its rough speed would bring level with every point of at least its recall; and
    below `floor`, which no figure is about, only the best point, for figures just above to be drawn towards.
    """
    kept = [
        point for point in points
        if all(point[value] * slack >= other[value] for other in points if other["recall"] >= point["recall"])]
    low = [point for point in kept if point["recall"] < floor]
    nearest = max(low, key=lambda p: (p["recall"], p[value]), default=None)
    return [point for point in kept if point["recall"] >= floor or point is nearest]


def at_recall(points: Sequence[Point], level: float, value: str = "queriesPerSecond") -> dict[str, Any]:
    """A figure at a recall, between neighbouring points of the frontier: log(value) is linear in recall.

    The result is `{"value", "how"}`. `how` is `interpolated`; `above` when the smallest setting is better than
    the level already, so that the value is a lower bound for speed; or `not reached`, with a value of None.
    """
    line = frontier(points)
    if not line or line[-1]["recall"] < level:
        return {"value": None, "how": "not reached"}
    if line[0]["recall"] >= level:
        how = "interpolated" if line[0]["recall"] == level else "above"
        return {"value": line[0][value], "how": how}
    for low, high in zip(line, line[1:]):
        if high["recall"] >= level:
            share = (level - low["recall"]) / (high["recall"] - low["recall"])
            logarithm = math.log(low[value]) * (1 - share) + math.log(high[value]) * share
            return {"value": math.exp(logarithm), "how": "interpolated"}
    raise AssertionError("unreachable: the last point of the frontier reaches the level")


def exact_neighbors(
    base: Array, queries: Array, metric: str, k: int, block: int = 256,
) -> tuple[Array, Array]:
    """Row numbers and distances of the k nearest, in double precision, ties by row number."""
    rows = base.astype(np.float64)
    if metric == "cosine":
        rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    squares = (rows * rows).sum(axis=1)
    ids = np.empty((len(queries), k), dtype=np.int32)
    distances = np.empty((len(queries), k))
    for start in range(0, len(queries), block):
        some = queries[start : start + block].astype(np.float64)
        if metric == "cosine":
            some /= np.linalg.norm(some, axis=1, keepdims=True)
        products = some @ rows.T
        if metric == "cosine":
            all_distances = 1 - products
        elif metric == "ip":
            all_distances = -products
        else:
            all_distances = (some * some).sum(axis=1)[:, None] + squares - 2 * products
        for i, row in enumerate(all_distances):
            # A few more than k, so that ties at the edge go to the lower row number.
            edge = np.partition(row, k - 1)[k - 1]
            near = np.flatnonzero(row <= edge)
            near = near[np.lexsort((near, row[near]))][:k]
            ids[start + i], distances[start + i] = near, row[near]
    return ids, distances


def descending_norm_scan(
    base: Array, queries: Array, k: int, levels: Sequence[float], block: int = 128,
) -> dict[float, int]:
    """For inner product: rows that a scan by falling norm must score, for a mean recall of each level.

    Where few rows are long and dominate the answers, this is the yardstick that an index must beat. Returns
    `{level: evaluations per query}`. A row counts as right exactly as in `Judge`.
    """
    rows = base.astype(np.float64)
    norms = np.linalg.norm(rows, axis=1)
    rows = rows[np.argsort(-norms, kind="stable")]
    # hits[t] gathers, over all queries, the answers that the t-th row of the scan adds.
    hits = np.zeros(len(rows))
    for start in range(0, len(queries), block):
        some = queries[start : start + block].astype(np.float64)
        distances = -(some @ rows.T)
        kth = np.partition(distances, k - 1, axis=1)[:, k - 1]
        threshold = kth + TOLERANCE * np.linalg.norm(some, axis=1) * norms.max()
        for row, limit in zip(distances, threshold):
            # The first k right rows make the answer complete, whichever they are.
            hits[np.flatnonzero(row <= limit)[:k]] += 1
    recall = np.cumsum(hits) / (len(queries) * k)
    return {level: int(np.searchsorted(recall, level)) + 1 for level in levels}
