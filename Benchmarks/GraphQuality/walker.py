"""The walk of walker.c, compiled with the system's C compiler into a temporary folder."""

import ctypes
import os
import pathlib
import shutil
import subprocess
import tempfile
from typing import Any

import numpy as np

SOURCE = pathlib.Path(__file__).resolve().parent / "walker.c"


def _compiler() -> str:
    for name in filter(None, (os.environ.get("CC"), "cc", "clang", "gcc")):
        if shutil.which(name):
            return name
    raise SystemExit("The walker is a page of C: install a compiler (cc, clang or gcc), or name it in CC.")


def _matrix(values: int, kind: Any) -> Any:
    return np.ctypeslib.ndpointer(dtype=kind, ndim=values, flags="C_CONTIGUOUS")


class Walker:
    """Walks any graph over one set of rows; every graph gets the same code, queries and starts."""

    def __init__(self, rows: np.ndarray, queries: np.ndarray, product: bool) -> None:
        """`rows` `[n, d]` and `queries` `[q, d]` as Float32; `product`: nearness is −(x·y), not squared L2."""
        self.rows = np.ascontiguousarray(rows, dtype=np.float32)
        self.queries = np.ascontiguousarray(queries, dtype=np.float32)
        if self.rows.ndim != 2 or self.queries.shape[1:] != self.rows.shape[1:]:
            raise ValueError(f"rows are {self.rows.shape}, queries {self.queries.shape}")
        self.product = bool(product)
        with tempfile.TemporaryDirectory(prefix="needletail-walker-") as folder:
            library = pathlib.Path(folder) / "walker.so"
            # -ffast-math is left out on purpose: sums are taken in the order of the source.
            subprocess.run(
                [_compiler(), "-std=c11", "-O2", "-ftree-vectorize", "-ffp-contract=off", "-shared",
                 "-fPIC", "-o", str(library), str(SOURCE)], check=True)
            self._walk = ctypes.CDLL(str(library)).needletail_walk
        number = ctypes.c_int64
        self._walk.argtypes = [
            _matrix(2, np.float32), number, number, ctypes.c_int, _matrix(2, np.uint32), number,
            _matrix(2, np.float32), number, _matrix(1, np.uint32), number, number,
            _matrix(2, np.int32), _matrix(1, np.int64), _matrix(1, np.int64)]

    def walk(self, links: np.ndarray, starts: np.ndarray, width: int, k: int) -> tuple[np.ndarray, ...]:
        """Rows found `[q, k]`, and evaluations and hops of each query, for a pool of `width` candidates.

        `links` is `[n, degree]`: rows, and behind the last one of each list anything from n up.
        """
        n, count = len(self.rows), len(self.queries)
        links = np.ascontiguousarray(links, dtype=np.uint32)
        starts = np.ascontiguousarray(starts, dtype=np.uint32)
        if len(links) != n or starts.shape != (count,):
            raise ValueError(f"{len(links)} lists of links for {n} rows, {starts.shape} starts")
        if width < k or k < 1 or (count and starts.max() >= n):
            raise ValueError(f"a pool of {width} for k = {k}, starts up to {starts.max()} of {n} rows")
        found = np.empty((count, k), dtype=np.int32)
        evaluations, hops = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.int64)
        status = self._walk(
            self.rows, n, self.rows.shape[1], self.product, links, links.shape[1], self.queries, count,
            starts, width, k, found, evaluations, hops)
        if status != 0:
            raise MemoryError("the walker found no memory for its pool")
        return found, evaluations, hops
