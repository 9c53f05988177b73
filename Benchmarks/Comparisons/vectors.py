"""Vector files: .fbin, .u8bin, .i8bin, .npy and the ground truth's .ibin."""

import pathlib

import numpy as np

_ELEMENTS = {".fbin": "<f4", ".u8bin": "u1", ".i8bin": "i1"}


def find(directory, name):
    """The file of `directory` called `name` with one of the known extensions."""
    for extension in (*_ELEMENTS, ".npy"):
        path = pathlib.Path(directory) / (name + extension)
        if path.exists():
            return path
    raise SystemExit(f"{directory} has no {name}.fbin, .u8bin, .i8bin or .npy")


def read(path):
    """Rows as they are stored, `[count, dimensions]`."""
    path = pathlib.Path(path)
    if path.suffix == ".npy":
        return np.load(path)
    count, dimensions = (int(n) for n in np.fromfile(path, dtype="<u4", count=2))
    values = np.fromfile(path, dtype=_ELEMENTS[path.suffix], offset=8)
    if values.size != count * dimensions:
        raise SystemExit(f"{path}: {values.size} components, but the header says {count} × {dimensions}")
    return values.reshape(count, dimensions)


def read_ground_truth(path):
    """Row numbers and distances, `[queries, k]` each."""
    queries, k = (int(n) for n in np.fromfile(path, dtype="<u4", count=2))
    ids = np.fromfile(path, dtype="<i4", offset=8, count=queries * k)
    distances = np.fromfile(path, dtype="<f4", offset=8 + 4 * queries * k, count=queries * k)
    if distances.size != queries * k:
        raise SystemExit(f"{path} is shorter than its header says ({queries} × {k})")
    return ids.reshape(queries, k), distances.reshape(queries, k)


def write_fbin(path, rows):
    with open(path, "wb") as file:
        file.write(np.array(rows.shape, dtype="<u4").tobytes())
        file.write(np.ascontiguousarray(rows, dtype="<f4").tobytes())


def write_ground_truth(path, ids, distances):
    with open(path, "wb") as file:
        file.write(np.array(ids.shape, dtype="<u4").tobytes())
        file.write(np.ascontiguousarray(ids, dtype="<i4").tobytes())
        file.write(np.ascontiguousarray(distances, dtype="<f4").tobytes())
