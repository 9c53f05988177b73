"""The lowest level of a graph, from the file that each engine saves: own readers, every length checked.

A graph is `links`, `[n, degree]` of row numbers of the base (n where a list is over), and `entry`, the row where
the engine's own search begins.
"""

import dataclasses
import pathlib
import struct

import numpy as np


class Damaged(Exception):
    """A file that is not what its format says, with the place."""


@dataclasses.dataclass
class Graph:
    links: np.ndarray
    entry: int
    levels: int
    settings: str

    @property
    def degrees(self) -> np.ndarray:
        return (self.links < len(self.links)).sum(axis=1)


def _by_row(lists: np.ndarray, counts: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Lists of places turned into lists of rows: `lists` `[n, degree]`, `rows[place]` the row at a place."""
    n, degree = lists.shape
    if not np.array_equal(np.sort(rows), np.arange(n, dtype=np.uint64)):
        raise Damaged(f"ids are not the row numbers 0 to {n - 1}: build without ids of your own")
    there = np.arange(degree)[None, :] < counts[:, None]
    if there.any() and lists[there].max() >= n:
        raise Damaged(f"a link names place {lists[there].max()} of {n}")
    rows = rows.astype(np.uint32)
    by_place = np.where(there, rows[np.where(there, lists, 0)], np.uint32(n))
    links = np.empty_like(by_place)
    links[rows] = by_place
    return links


# --- hnswlib -------------------------------------------------------------------------------------------------

# What `save_index` of hnswlib 0.8 writes first: eleven numbers, three of which are not of 8 bytes.
_HNSWLIB = struct.Struct("<6QiI3QdQ")


def read_hnswlib(path: str | pathlib.Path) -> Graph:
    """The graph in a file of hnswlib's `save_index`; labels must be row numbers."""
    data = pathlib.Path(path).read_bytes()
    if len(data) < _HNSWLIB.size:
        raise Damaged(f"{path}: {len(data)} bytes are less than the {_HNSWLIB.size} of the header")
    (offset0, capacity, count, size, label_offset, data_offset, top, entry, max_m, max_m0, m, _,
     ef_construction) = _HNSWLIB.unpack_from(data)
    if not 0 < count <= capacity or not 0 < max_m0 <= 1 << 16 or offset0 != 0:
        raise Damaged(f"{path}: {count} of {capacity} rows, {max_m0} links a row, links at {offset0}")
    if not (4 + 4 * max_m0 <= data_offset <= label_offset and label_offset + 8 <= size <= 1 << 24):
        raise Damaged(f"{path}: rows at {data_offset} and labels at {label_offset} of {size} bytes")
    if entry >= count or not 0 <= top < 64:
        raise Damaged(f"{path}: entry {entry} of {count} rows, {top + 1} levels")
    end = _HNSWLIB.size + count * size
    if end > len(data):
        raise Damaged(f"{path}: {count} rows of {size} bytes end at {end}, the file at {len(data)}")
    # Above level 0 each row has a length and its links: only looked at, so that a cut file is noticed.
    at = end
    for row in range(count):
        if at + 4 > len(data):
            raise Damaged(f"{path}: the upper links of row {row} are at {at}, the file ends at {len(data)}")
        at += 4 + struct.unpack_from("<I", data, at)[0]
    if at != len(data):
        raise Damaged(f"{path}: the upper links end at {at}, the file at {len(data)}")
    records = np.frombuffer(data, dtype=np.uint8, count=count * size, offset=_HNSWLIB.size)
    records = records.reshape(count, size)
    # The number of links is 16 bits; the two bytes behind it mark deleted rows.
    counts = records[:, :2].copy().view("<u2")[:, 0].astype(np.int64)
    if counts.max() > max_m0:
        raise Damaged(f"{path}: a row has {counts.max()} links of at most {max_m0}")
    lists = records[:, 4 : 4 + 4 * max_m0].copy().view("<u4")
    labels = records[:, label_offset : label_offset + 8].copy().view("<u8")[:, 0]
    return Graph(
        links=_by_row(lists, counts, labels), entry=int(labels[entry]), levels=top + 1,
        settings=f"M={m}, efConstruction={ef_construction}")


# --- Needletail ----------------------------------------------------------------------------------------------

def _sections(data: memoryview, path: pathlib.Path) -> dict[str, memoryview]:
    """The sections of a container: Design/FileFormat.md, “The container”."""
    if len(data) < 4096 or data[:8] != b"\x89NDLSEG\n":
        raise Damaged(f"{path} is not a segment")
    version, header = struct.unpack_from("<II", data, 8)
    length, _, count = struct.unpack_from("<QQI", data, 32)
    if version != 1 or header != 4096 or length != len(data) or count > 125:
        raise Damaged(f"{path}: version {version}, {length} bytes of {len(data)}, {count} sections")
    sections = {}
    for i in range(count):
        kind, _, offset, size = struct.unpack_from("<4sIQQ", data, 64 + 32 * i)
        if offset < header or offset + size > length:
            raise Damaged(f"{path}: section {kind} at {offset} with {size} bytes, {length} in the file")
        sections[kind.decode("ascii", "replace")] = data[offset : offset + size]
    return sections


def segment_of(index: str | pathlib.Path) -> pathlib.Path:
    """The one segment of an index directory."""
    found = sorted(pathlib.Path(index).glob("segments/*.segment"))
    if len(found) != 1:
        raise Damaged(f"{index} has {len(found)} segments; the walk is over one")
    return found[0]


def read_needletail(index: str | pathlib.Path) -> Graph:
    """The graph of an index directory that was built without ids of its own."""
    path = segment_of(index)
    sections = _sections(memoryview(path.read_bytes()), path)
    missing = {"PARM", "LNK0", "IDEN"} - sections.keys()
    if missing or len(sections["PARM"]) < 64:
        raise Damaged(f"{path} has no {', '.join(sorted(missing)) or 'whole PARM'}")
    m, ef_construction = struct.unpack_from("<II", sections["PARM"], 20)
    n, levels = struct.unpack_from("<QI", sections["PARM"], 40)
    links, ids = sections["LNK0"], sections["IDEN"]
    if n == 0 or len(ids) != 8 * n or len(links) == 0 or len(links) % (4 * n):
        raise Damaged(f"{path}: {n} rows, {len(ids)} bytes of ids, {len(links)} of links")
    lists = np.frombuffer(links, dtype="<u4").reshape(n, -1)
    # A list ends at the first value that is no ordinal.
    over = lists >= n
    counts = np.where(over.any(axis=1), over.argmax(axis=1), lists.shape[1])
    rows = np.frombuffer(ids, dtype="<u8")
    return Graph(
        links=_by_row(lists, counts, rows), entry=int(rows[0]), levels=levels,
        settings=f"m={m}, efConstruction={ef_construction}")
