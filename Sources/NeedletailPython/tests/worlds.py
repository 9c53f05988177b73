"""Seeded vectors, and exact answers to compare with."""

import numpy as np


def clusters(count, dimensions=24, seed=1):
    """Rows around a few centres, as embeddings are."""
    draw = np.random.default_rng(seed)
    centres = draw.standard_normal((max(1, count // 50), dimensions))
    chosen = draw.integers(len(centres), size=count)
    rows = centres[chosen] + 0.4 * draw.standard_normal((count, dimensions))
    return rows.astype(np.float32)


def distances(queries, rows, metric):
    """All distances in double, by the definition of the metric."""
    q, x = queries.astype(np.float64), rows.astype(np.float64)
    if metric == "l2":
        return ((q[:, None, :] - x[None, :, :]) ** 2).sum(axis=2)
    products = q @ x.T
    if metric == "ip":
        return -products
    return 1 - products / np.linalg.norm(q, axis=1)[:, None] / np.linalg.norm(x, axis=1)[None, :]


def recall(found, queries, rows, metric):
    """The share of the true k nearest rows among those found."""
    k = found.shape[1]
    exact = np.argsort(distances(queries, rows, metric), axis=1, kind="stable")[:, :k]
    return np.mean([len(set(a) & set(b)) / k for a, b in zip(found.tolist(), exact.tolist())])
