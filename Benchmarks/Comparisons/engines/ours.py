"""Needletail through its Python package, on an index that its command line built."""

import pathlib

import numpy as np

from .base import Engine, Ids, Rows, Setting, widths


class Needletail(Engine):
    """Opens an index directory; `build` of the command line made it, and its time is taken there."""

    package = "needletail"

    def __init__(self, rows: int, dimensions: int, metric: str) -> None:
        super().__init__(rows, dimensions, metric)
        try:
            import needletail
        except ImportError as error:
            raise ImportError(f"{error}; `make wheel` builds it") from None
        self.needletail = needletail

    def chains(self, k: int) -> list[list[Setting]]:
        """Widths below `k` too: the walk then ends as soon as it holds `k`."""
        return [[{"ef": width} for width in [*range(max(1, k // 2), k), *widths(k)]]]

    def open(self, directory: str) -> None:
        self.index = self.needletail.Index.load(pathlib.Path(directory))

    def search(self, queries: Rows, k: int, setting: Setting, threads: int = 1) -> Ids:
        if "recall" in setting:
            ids, _ = self.index.search(queries, k=k, recall=setting["recall"], threads=threads)
        else:
            ids, _ = self.index.search(queries, k=k, ef=int(setting["ef"]), threads=threads)
        # Ids are the row numbers; what stands where an answer is short is negative as a signed number.
        return np.asarray(ids).astype(np.int64)
