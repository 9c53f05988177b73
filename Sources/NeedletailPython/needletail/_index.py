"""The index as Python sees it."""

from __future__ import annotations

import ctypes
import functools
import math
import os
import threading
import time
import typing

import numpy as np
import numpy.typing as npt

from . import _library as native
from ._errors import raise_for, refuse
from ._information import Information
from ._opened import Directory, Opened, encoded, interruptible, settle
from ._vectors import AnyArray, check_rows, element, identities, matrix, stride, whole

Path = typing.Union[str, "os.PathLike[str]"]
Answers = typing.Tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]
_Part = typing.Tuple[npt.NDArray[np.uint64], AnyArray]

# A call of the library should be over after about so long, so that Ctrl-C is heard.
_SECONDS_PER_CALL = 0.25


class _Opening:
    """`Index.load(path)` makes an index; `index.load(path)` fills the one it is called on."""

    def __init__(self, function: typing.Callable[..., "Index"]) -> None:
        self._function = function
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    def __get__(
        self, index: typing.Optional["Index"], owner: typing.Type["Index"]
    ) -> typing.Callable[..., "Index"]:
        function = self._function

        def opening(path: Path, **options: bool) -> "Index":
            return function(owner._blank() if index is None else index, path, **options)

        opening.__doc__ = self.__doc__
        opening.__name__ = self.__name__
        return opening


class Index:
    """Vectors under ids, and a graph over them that finds the nearest ones.

    Rows are gathered by `add`; the graph is built at the first `search` or `save`, or by `build`. Adding
    to an index that is built means that it is built anew before the next search: this version builds an
    index at once, and adding in bulk is what it is good at.

    dimensions
        Components of a vector, 1 to 16384.
    metric
        "l2": the sum of squared differences. "cosine": 1 - cosine; vectors are normalised for you.
        "ip": minus the inner product. A distance is lower for nearer under each.
    m, ef_construction
        Links of a row (level 0 has twice as many), 2 to 128, and candidates looked at when it is linked;
        0: 320, and 200 under inner product.
    seed
        Of everything random: the same rows, ids and seed give the same index for any number of threads.
    rows
        How rows are kept for the precise ranking of the best candidates: "f32", "bf16", "f16" or "none",
        where distances are estimates. "f32" takes two bytes a component where half precision holds
        all of them. Whole numbers of a byte are kept without loss in the codes.
    codes
        What the walk compares: "int8" codes, "int4" (their upper halves), "none" (the rows as they are
        kept); "auto" chooses between the first two when the graph is built.
    mode
        How what the walk reads is laid out: "compact", "turbo" (every row beside its neighbours' bits, for
        four times the memory of codes and links; under "l2" and "cosine", with an `m` that is a multiple of 16), or
        "auto", which chooses compact for all that was measured so far. Turbo codes keep whole numbers with a
        loss: with rows="none" distances are estimates and `get` refuses, where compact codes are the rows
        themselves. With rows kept, those come on top of the fourfold codes and links.

    An index may be searched from many threads at once; calls that change it wait for each other.
    """

    def __init__(
        self,
        dimensions: int,
        metric: str = "l2",
        *,
        m: int = 16,
        ef_construction: int | None = None,
        seed: int = 1,
        rows: str = "f32",
        codes: str = "auto",
        mode: str = "auto",
    ) -> None:
        self._reset()
        self._dimensions = whole(dimensions, "dimensions", 1, 16_384)
        self._metric = _word(metric, "metric", native.METRICS)
        self._m = whole(m, "m", 2, 128)
        if ef_construction is None:
            ef_construction = 200 if self._metric == "ip" else 320
        self._ef_construction = whole(ef_construction, "ef_construction", 1, 1 << 20)
        self._seed = whole(seed, "seed", 0, 2**64 - 1)
        self._rows = _word(rows, "rows", native.ROWS)
        self._codes = _word(codes, "codes", native.CODES)
        self._mode = _word(mode, "mode", native.MODES)
        if self._rows == "none" and self._codes == "none":
            refuse("An index with neither codes nor rows has nothing to search; keep one of them.")
        if self._mode == "turbo" and (
            self._metric == "ip" or self._m % 16 != 0 or self._codes in ("int4", "none")
        ):
            refuse(
                f"metric={self._metric!r}, m={self._m}, codes={self._codes!r}: turbo mode is for \"l2\" and "
                "\"cosine\", an m that is a multiple of 16, and int8 codes; change these, or choose "
                "mode=\"compact\".")

    def _reset(self) -> None:
        self._lock = threading.RLock()
        self._parts: typing.List[_Part] = []
        self._gathered = 0
        self._opened: typing.Optional[Opened] = None
        self._dimensions = 0
        self._metric = ""

    @classmethod
    def _blank(cls) -> "Index":
        index = cls.__new__(cls)
        index._reset()
        return index

    # MARK: Gathering

    def add(
        self,
        ids: typing.Optional[npt.ArrayLike],
        vectors: npt.ArrayLike,
        *,
        copy: bool = True,
    ) -> None:
        """Adds vectors under new ids; all of them, or none.

        ids
            [n] whole numbers from 0 to 2**63 - 1, none of them used before; None: the next free numbers.
        vectors
            [n, dimensions], or [dimensions] for one. float32, float16, uint8 and int8 are kept as they
            are until the build; other numbers become float32.
        copy
            False: the rows are used where they are, and must stay unchanged until the index is built.

        Raises ValueError for other shapes, for ids that are used, for NaN and infinity and, under cosine,
        for rows of zeros.
        """
        self._require_filled()
        array, is_copy = matrix(vectors, self._dimensions, "vectors")
        check_rows(array, self._metric)
        with self._lock:
            highest = self._highest_id()
            if ids is None:
                if highest + len(array) >= 2**63:
                    refuse(f"After the id {highest} there are not {len(array)} numbers left; give ids.")
                numbers = np.arange(highest + 1, highest + 1 + len(array), dtype=np.uint64)
            else:
                numbers = identities(ids, len(array))
                self._require_new(numbers, highest)
            if not len(array):
                return
            if copy and not is_copy:
                array = np.array(array, order="C")
            self._reclaim()
            self._parts.append((numbers, array))
            self._gathered += len(array)
            self._opened = None

    def _highest_id(self) -> int:
        highest = -1
        for numbers, _ in self._parts:
            highest = max(highest, int(numbers.max()))
        if not self._parts and self._opened is not None and len(self._opened.ids()):
            highest = int(self._opened.ids()[-1])
        return highest

    def _require_new(self, numbers: npt.NDArray[np.uint64], highest: int) -> None:
        unique, counts = np.unique(numbers, return_counts=True)
        if len(unique) != len(numbers):
            raise_for("invalidConfiguration", f"The id {unique[counts > 1][0]} is given twice.")
        if not len(unique) or int(unique[0]) > highest:
            return
        used = [part[0] for part in self._parts]
        if not used and self._opened is not None:
            used = [self._opened.ids()]
        for known in used:
            both = np.intersect1d(unique, known, assume_unique=True)
            if len(both):
                refuse(f"The id {both[0]} is used already; ids are unique.")

    def _reclaim(self) -> None:
        """Takes the rows back from the index that they were built into."""
        if self._parts or self._opened is None or not self._opened.information.count:
            return
        is_lossless = self._opened.information.bytes["rows"] == 0 and self._rows != "none"
        if self._rows != "f32" and not is_lossless:
            refuse(
                f"The index is built and keeps rows as {self._rows}, so it cannot be built anew with more; "
                "add all vectors before the first search, or keep rows as \"f32\".")
        ids = np.array(self._opened.ids())
        self._parts = [(ids, self._opened.vectors(ids))]
        self._gathered = len(ids)

    # MARK: Building

    def build(self, threads: typing.Optional[int] = None) -> "Index":
        """Builds the index of all rows that were added; nothing happens when it is built already.

        threads
            The most threads that build; None: as many as the process may use. The index does not depend
            on it.

        The index lies in a directory under TMPDIR until it is saved. Rows that were added are let go, and
        taken back from the index when more are added: as they were under "l2" and "ip", to within rounding
        under "cosine", and not at all when it keeps rows as anything but "f32". Ctrl-C ends the build, and
        the rows stay.
        """
        with self._lock:
            self._require_filled()
            if self._opened is None:
                directory = Directory()
                self._build(os.path.join(directory.path, "index"), threads, directory)
        return self

    def _require_filled(self) -> None:
        if self._dimensions == 0:
            refuse("The index is closed.")

    def _build(
        self, path: str, threads: typing.Optional[int], directory: typing.Optional[Directory]
    ) -> None:
        options = native.BuildOptions()
        options.metric = native.METRICS[self._metric]
        options.dimensions = self._dimensions
        options.m = self._m
        options.ef_construction = self._ef_construction
        options.seed = self._seed
        options.rows = native.ROWS[self._rows]
        options.codes = native.CODES[self._codes]
        options.mode = native.MODES[self._mode]
        options.threads = _threads(threads)
        parts = (native.Rows * max(1, len(self._parts)))()
        for part, (numbers, rows) in zip(parts, self._parts):
            part.components = rows.ctypes.data
            part.ids = numbers.ctypes.data
            part.count = len(rows)
            part.row_stride = stride(rows)
            part.element = element(rows)
        handle = ctypes.c_void_p()
        interruptible(
            lambda monitor: native.library.needletail_build(
                encoded(path), ctypes.addressof(options), ctypes.addressof(parts),
                len(self._parts), monitor, ctypes.addressof(handle)))
        self._opened = Opened(handle.value or 0, path, directory)
        self._parts = []
        self._gathered = 0

    def tune(
        self,
        queries: typing.Optional[npt.ArrayLike] = None,
        *,
        k: int = 10,
        threads: typing.Optional[int] = None,
        seconds: float = 30,
    ) -> "Index":
        """Measures which setting reaches which recall on this machine, so that `search(recall=…)` works.

        What it finds is kept with the index, in its directory: a saved index is tuned for everybody who
        opens it later. Builds the index first, where that was not done.

        queries
            [n, dimensions] queries like those to come. None: rows of the index serve, each kept out of its
            own search. Where queries are unlike rows, as users are unlike items, give queries.
        k
            Recall is measured at so many answers.
        threads
            The most threads that search; None: as many as the process may use.
        seconds
            After these no further measurement begins.
        """
        options = native.TuneOptions()
        options.k = whole(k, "k", 1, 1 << 20)
        options.threads = _threads(threads)
        if not (isinstance(seconds, (int, float)) and 0.001 <= seconds <= 1e6):
            refuse(f"seconds is {seconds!r}; it is 0.001 to a million.")
        options.milliseconds = max(1, round(seconds * 1000))
        self._require_filled()
        structure = native.Queries()
        array = None
        if queries is not None:
            array, _ = matrix(queries, self._dimensions, "queries")
            structure.components = array.ctypes.data
            structure.count = len(array)
            structure.dimensions = self._dimensions
            structure.row_stride = stride(array)
            structure.element = element(array)
            options.queries = ctypes.addressof(structure)
        with self._lock:
            opened = self._ready(threads)
            if opened.is_moved:
                # The library knows an index by the path it was opened at.
                opened = Opened.at(opened.path, opened.options)
            handle = ctypes.c_void_p()
            interruptible(
                lambda monitor: native.library.needletail_tune(
                    opened.handle, ctypes.addressof(options), monitor, ctypes.addressof(handle)))
            self._opened = Opened(handle.value or 0, opened.path, opened.directory, opened.options)
        return self

    def _ready(self, threads: typing.Optional[int] = None) -> Opened:
        opened = self._opened
        if opened is not None:
            return opened
        with self._lock:
            self.build(threads)
            if self._opened is None:
                refuse("The index is closed.")
            return self._opened

    # MARK: Searching

    def search(
        self,
        queries: npt.ArrayLike,
        k: int = 10,
        ef: int = 64,
        threads: typing.Optional[int] = 1,
        *,
        recall: typing.Optional[float] = None,
    ) -> Answers:
        """Finds the k vectors nearest to each query.

        queries
            [n, dimensions], or [dimensions] for one. float32, float16, uint8 and int8 are read where they
            are; other numbers become float32 first.
        k
            Answers per query, 1 to 1048576.
        ef
            Width of the window of candidates: more finds more and takes longer.
        threads
            The most threads that search; None or 0: as many as the process may use.
        recall
            The share of right answers to aim at, above 0 and at most 1, instead of a width: the fastest
            setting that reached it when the index was tuned (see `tune`).

        Returns (ids, distances), int64 and float32 arrays of shape [n, k], nearest first; n is 1 for one
        query. Where the index has fewer than k vectors the id is -1 and the distance infinite.

        Builds the index first, where that was not done. Other threads of Python run meanwhile.
        """
        count = whole(k, "k", 1, 1 << 20)
        width = whole(ef, "ef", 1, 1 << 20)
        options = _search_options(
            width, None if recall is None else _share(recall), _threads(threads))
        self._require_filled()
        array, _ = matrix(queries, self._dimensions, "queries")
        opened = self._ready()
        ids = np.empty((len(array), count), np.int64)
        distances = np.empty((len(array), count), np.float32)
        if len(array) == 1 and array.dtype == np.float32:
            status = native.library.needletail_search(
                opened.handle, array.ctypes.data, array.shape[1], count,
                ctypes.addressof(options), ids.ctypes.data, distances.ctypes.data, None, None)
            if status != 0:
                _raise_for_query(status, 0)
        else:
            _search(opened, array, count, options, ids, distances)
        return ids, distances

    # MARK: Saving and opening

    def save(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes the index to `path`, a directory: whole and on disk when this returns, or not at all.

        Builds the index first, where that was not done. An index that was built in TMPDIR moves to `path`
        and is searched there from now on.

        overwrite
            True: an index that is there already is replaced; anything else there is not.
        """
        target = os.path.abspath(os.fsdecode(encoded(path)))
        with self._lock:
            self._require_filled()
            opened = self._opened
            if opened is not None and os.path.realpath(opened.path) == os.path.realpath(target):
                return
            parent = os.path.dirname(target)
            if not os.path.isdir(parent):
                raise_for("notFound", f"{parent} is no directory; make it first.")
            exists = os.path.lexists(target)
            if exists and not (overwrite and os.path.isfile(os.path.join(target, "CURRENT"))):
                advice = (
                    "it is not an index, so it is not replaced"
                    if overwrite else "choose another path, or say overwrite=True")
                raise_for("alreadyExists", f"{target} exists; {advice}.")
            if opened is None and not exists:
                self._build(target, None, None)
                return
            opened = self._ready()
            is_ours = opened.directory is not None
            if settle(opened.path, target, moves=is_ours, replaces=exists):
                opened.settled(target)
            elif is_ours:
                self._opened = Opened.at(target, opened.options)

    @_Opening
    def load(self, path: Path, *, verify: bool = False, map_rows: bool = True) -> "Index":
        """Opens the index at `path`: codes, links and ids are read into memory.

        Called on the class it makes an index; called on an index it replaces what that holds.

        verify
            True: every byte and every link is checked first. Otherwise damage may give wrong answers, but
            never a crash.
        map_rows
            False: rows are read into memory too. Otherwise they stay in the file, a few per query are
            read, and the system keeps in memory what is used.

        Raises FileNotFoundError where there is none, ValueError for damaged files.
        """
        options = native.OpenOptions()
        options.rows = native.MAPPED if map_rows else native.RESIDENT
        return self._open(path, options, verify)

    @_Opening
    def view(self, path: Path, *, verify: bool = False) -> "Index":
        """Opens the index at `path` in place: nothing is read before a search needs it.

        Opening takes no time and no memory of its own; the first searches read from disk. Processes that
        view the same index share the memory. Otherwise as `load`.
        """
        options = native.OpenOptions()
        options.codes = options.graph = options.rows = options.ids = native.MAPPED
        return self._open(path, options, verify)

    def _open(self, path: Path, options: native.OpenOptions, verify: bool) -> "Index":
        options.verification = 1 if verify else 0
        opened = Opened.at(os.path.abspath(os.fsdecode(encoded(path))), options)
        information = opened.information
        if self._dimensions and (self._dimensions, self._metric) != (
            information.dimensions, information.metric,
        ):
            refuse(
                f"{opened.path} holds {information.dimensions} dimensions under {information.metric}; "
                f"this index is of {self._dimensions} under {self._metric}.", "dimensionMismatch")
        with self._lock:
            self._parts = []
            self._gathered = 0
            self._dimensions = information.dimensions
            self._metric = information.metric
            self._m = information.m
            self._ef_construction = information.ef_construction
            self._seed = information.seed
            self._rows = information.rows
            self._codes = information.codes
            self._mode = information.mode
            self._opened = opened
        return self

    def close(self) -> None:
        """Lets go of everything; searches that run end first. The files of a saved index stay."""
        with self._lock:
            self._parts = []
            self._gathered = 0
            self._opened = None
            self._dimensions = 0

    def __enter__(self) -> "Index":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # MARK: Looking

    @property
    def dimensions(self) -> int:
        """Components of a vector."""
        return self._dimensions

    @property
    def metric(self) -> str:
        """What near means: "l2", "cosine" or "ip"."""
        return self._metric

    @property
    def is_built(self) -> bool:
        """Whether the next search need not build."""
        return self._opened is not None

    @property
    def information(self) -> Information:
        """What is known about the index; builds it first, where that was not done."""
        self._require_filled()
        return self._ready().information

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """All ids, ascending."""
        with self._lock:
            if self._opened is not None:
                return self._opened.ids().view(np.int64)
            numbers = [part[0] for part in self._parts]
            joined = np.concatenate(numbers) if numbers else np.empty(0, np.uint64)
            return np.sort(joined).view(np.int64)

    def get(self, ids: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """The vectors of ids as they were added, [n, dimensions] float32, within the rounding of `rows`.

        Raises KeyError for an id that is not there, ValueError when the index keeps no rows.
        """
        self._require_filled()
        array = np.asarray(ids)
        numbers = identities(array, array.size if array.ndim < 2 else -1)
        return self._ready().vectors(numbers)

    def __len__(self) -> int:
        with self._lock:
            if self._opened is not None:
                return self._opened.information.count
            return self._gathered

    def __contains__(self, id: object) -> bool:
        if not isinstance(id, (int, np.integer)) or not 0 <= int(id) < 2**63:
            return False
        with self._lock:
            if self._opened is not None:
                known = self._opened.ids()
                place = int(np.searchsorted(known, np.uint64(id)))
                return place < len(known) and int(known[place]) == int(id)
            return any(bool((numbers == np.uint64(id)).any()) for numbers, _ in self._parts)

    def __repr__(self) -> str:
        if not self._dimensions:
            return "<needletail.Index, closed>"
        with self._lock:
            opened = self._opened
            state = "not built" if opened is None else "built"
            if opened is not None and opened.directory is None:
                state = f"at {opened.path!r}"
            return (
                f"<needletail.Index of {len(self)} × {self._dimensions}, {self._metric}, "
                f"m={self._m}, ef_construction={self._ef_construction}, {state}>")

    def __reduce__(self) -> typing.NoReturn:
        raise TypeError(
            "A needletail.Index cannot be pickled; save it, and view it by its path in the other process.")


def _search(
    opened: Opened, array: AnyArray, k: int, options: native.SearchOptions,
    ids: npt.NDArray[np.int64], distances: npt.NDArray[np.float32],
) -> None:
    """Answers all queries, in calls that are short enough for Ctrl-C to be heard."""
    queries = native.Queries()
    queries.dimensions = array.shape[1]
    queries.row_stride = stride(array)
    queries.element = element(array)
    most = max(1, (1 << 28) // k)
    step = min(most, 512 * max(1, min(options.threads, 64)))
    start = 0
    while start < len(array):
        count = min(step, len(array) - start)
        queries.components = array.ctypes.data + start * array.strides[0]
        queries.count = count
        began = time.monotonic()
        status = native.library.needletail_search_batch(
            opened.handle, ctypes.addressof(queries), k, ctypes.addressof(options),
            ids.ctypes.data + start * k * 8, distances.ctypes.data + start * k * 4, None, None)
        if status != 0:
            _raise_for_query(status, start)
        elapsed = time.monotonic() - began
        start += count
        step = min(most, max(64, min(4 * step, int(step * _SECONDS_PER_CALL / max(elapsed, 1e-6)))))


def _raise_for_query(status: int, start: int) -> typing.NoReturn:
    message = native.library.needletail_last_error().decode("utf-8", "replace")
    prefix, separator, rest = message.partition(": ")
    if separator and prefix.startswith("Query ") and prefix[6:].isdigit():
        # The library counts from the first query of its call.
        message = f"Query {start + int(prefix[6:])}: {rest}"
    code = native.library.needletail_status_name(status).decode()
    if code == "notFound":
        # No file is missing: the index was not tuned.
        refuse(f"{message} Call tune(), or give ef.")
    raise_for(code, message)


@functools.lru_cache(maxsize=64)
def _search_options(
    ef: int, recall: typing.Optional[float], threads: int
) -> native.SearchOptions:
    """Options of a search; the library only reads them, so that threads and calls share them."""
    options = native.SearchOptions()
    if recall is None:
        options.ef = ef
    else:
        options.recall = recall
    options.threads = threads
    return options


def _threads(threads: typing.Optional[int]) -> int:
    if threads is None or threads == 0:
        try:
            return len(os.sched_getaffinity(0))
        except AttributeError:
            return os.cpu_count() or 1
    return whole(threads, "threads", 1, 1024)


def _share(recall: float) -> float:
    if not isinstance(recall, (int, float, np.floating)) or isinstance(recall, bool):
        raise TypeError(f"recall is {recall!r}; give a number above 0 and at most 1.")
    if not (math.isfinite(recall) and 0 < recall <= 1):
        refuse(f"recall is {recall}; it is above 0 and at most 1.")
    return float(recall)


def _word(word: str, name: str, words: typing.Dict[str, int]) -> str:
    if not isinstance(word, str) or word not in words:
        choice = ", ".join(f'"{known}"' for known in words)
        refuse(f"{name} is {word!r}; it is one of {choice}.")
    return word
