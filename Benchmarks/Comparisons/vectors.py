"""Vector files: .fbin, .u8bin, .i8bin, .npy and the ground truth's .ibin."""

import pathlib
from typing import Any

import numpy as np

Path = str | pathlib.Path
Array = np.ndarray[Any, Any]

_ELEMENTS = {".fbin": "<f4", ".u8bin": "u1", ".i8bin": "i1"}


def find(directory: Path, *names: str) -> pathlib.Path:
    """The file of `directory` with the first of `names` that is there, in one of the known extensions."""
    for name in names:
        for extension in (*_ELEMENTS, ".npy"):
            path = pathlib.Path(directory) / (name + extension)
            if path.exists():
                return path
    raise SystemExit(f"{directory} has no {' or '.join(names)} in .fbin, .u8bin, .i8bin or .npy")


def read(path: Path) -> Array:
    """Rows as they are stored, `[count, dimensions]`."""
    path = pathlib.Path(path)
    if path.suffix == ".npy":
        rows: Array = np.load(path)
        return rows
    count, dimensions = (int(n) for n in np.fromfile(path, dtype="<u4", count=2))
    values = np.fromfile(path, dtype=_ELEMENTS[path.suffix], offset=8)
    if values.size != count * dimensions:
        raise SystemExit(f"{path}: {values.size} components, but the header says {count} × {dimensions}")
    return values.reshape(count, dimensions)


def read_ground_truth(path: Path) -> tuple[Array, Array]:
    """Row numbers and distances, `[queries, k]` each."""
    queries, k = (int(n) for n in np.fromfile(path, dtype="<u4", count=2))
    ids = np.fromfile(path, dtype="<i4", offset=8, count=queries * k)
    distances = np.fromfile(path, dtype="<f4", offset=8 + 4 * queries * k, count=queries * k)
    if distances.size != queries * k:
        raise SystemExit(f"{path} is shorter than its header says ({queries} × {k})")
    return ids.reshape(queries, k), distances.reshape(queries, k)


def write_fbin(path: Path, rows: Array) -> None:
    with open(path, "wb") as file:
        file.write(np.array(rows.shape, dtype="<u4").tobytes())
        file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())


def write_ground_truth(path: Path, ids: Array, distances: Array) -> None:
    with open(path, "wb") as file:
        file.write(np.array(ids.shape, dtype="<u4").tobytes())
        file.write(np.ascontiguousarray(ids, dtype="<i4").tobytes())
        file.write(np.ascontiguousarray(distances, dtype="<f4").tobytes())
