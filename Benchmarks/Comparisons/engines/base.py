"""What every engine is asked for, and what several of them share."""

import importlib.metadata
from typing import Any

import numpy as np

Rows = np.ndarray[Any, np.dtype[np.float32]]
Ids = np.ndarray[Any, np.dtype[np.int64]]
#: One point of a sweep: parameters of the search by the engine's own names.
Setting = dict[str, float]

#: Search widths of the graphs; a width below k is never asked for.
WIDTHS = (
    10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512,
    640, 800, 1000, 1500, 2000)
#: Every graph is built with the same width of search, so that none is denied what another is given.
BUILD_WIDTH = 200


class Unsupported(Exception):
    """An engine that cannot take this set or this machine, and why."""


class Engine:
    """One engine: made for a set, built once, then asked in batches on one thread or more.

    A subclass sets `settings`, a line that says how it was built, in its constructor, and raises `Unsupported`
    there for what it cannot do.
    """

    #: The distribution whose version stands in the report; empty where there is none.
    package = ""
    settings = ""

    def __init__(self, rows: int, dimensions: int, metric: str) -> None:
        self.rows, self.dimensions, self.metric = rows, dimensions, metric

    def chains(self, k: int) -> list[list[Setting]]:
        """Lists of settings, each from fast to exact; a sweep leaves a list once its recall is enough."""
        return [[{"ef": width} for width in widths(k)]]

    def build(self, base: Rows, threads: int) -> None:
        """Makes the index of `base`, which stays as it is."""
        raise NotImplementedError

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        """Row numbers `[queries, k]` of one batch; −1 where there is no answer."""
        raise NotImplementedError

    def version(self) -> str:
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError:
            return ""


def widths(k: int) -> list[int]:
    return sorted({max(k, width) for width in WIDTHS})


def unit(rows: Rows) -> Rows:
    """Rows of length one. Engines without cosine get these, and making them is part of their work."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.maximum(norms, np.float32(1e-30))


def prepared(rows: Rows, metric: str) -> Rows:
    """Rows for an engine whose only similarity of directions is the inner product."""
    return unit(rows) if metric == "cosine" else rows


def one_by_one(answer: Any, queries: Rows, k: int) -> Ids:
    """Answers of an engine that takes one query a call; `answer` gives the row numbers of one."""
    ids = np.full((len(queries), k), -1, dtype=np.int64)
    for row, query in zip(ids, queries):
        found = answer(query)
        row[: len(found)] = found[:k]
    return ids
