"""An index that is open in the library, and the directory that it lives in."""

from __future__ import annotations

import ctypes
import dataclasses
import errno
import os
import pathlib
import shutil
import tempfile
import threading
import typing
import weakref

import numpy as np
import numpy.typing as npt

from . import _library as native
from ._errors import refuse
from ._information import Information, read_information



class Directory:
    """A directory under TMPDIR that goes with the value, but not with a forked child's copy of it."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix="needletail-")
        self._finalizer = weakref.finalize(self, _remove, self.path, os.getpid())

    def remove(self) -> None:
        self._finalizer()


def _remove(path: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(path, ignore_errors=True)


class Opened:
    """A handle of the library; closed when the last search that uses it is done."""

    def __init__(
        self,
        handle: int,
        path: str,
        directory: typing.Optional[Directory] = None,
        options: typing.Optional[native.OpenOptions] = None,
    ) -> None:
        self.handle = handle
        self.path = path
        self.directory = directory
        self.options = options or native.OpenOptions()
        self.is_moved = False
        self._finalizer = weakref.finalize(self, native.library.needletail_close, handle)
        # When the process ends, another thread may still be searching.
        self._finalizer.atexit = False
        structure = native.InformationStructure()
        native.check(
            native.library.needletail_get_information(handle, ctypes.addressof(structure)))
        self.information: Information = read_information(structure, path)
        self._ids: typing.Optional[npt.NDArray[np.uint64]] = None

    @classmethod
    def at(cls, path: str, options: native.OpenOptions) -> "Opened":
        handle = ctypes.c_void_p()
        native.check(
            native.library.needletail_open(
                encoded(path), ctypes.addressof(options), ctypes.addressof(handle)))
        return cls(handle.value or 0, path, options=options)

    def settled(self, path: str) -> None:
        """The files have moved; what is mapped of them stays mapped."""
        self.path = path
        self.information = dataclasses.replace(self.information, path=path)
        self.directory = None
        self.is_moved = True

    def ids(self) -> npt.NDArray[np.uint64]:
        """All ids, ascending; read once."""
        if self._ids is None:
            ids = np.empty(self.information.count, np.uint64)
            native.check(
                native.library.needletail_get_ids(self.handle, ids.ctypes.data, len(ids)))
            ids.flags.writeable = False
            self._ids = ids
        return self._ids

    def vectors(self, ids: npt.NDArray[np.uint64]) -> npt.NDArray[np.float32]:
        """The rows of ids that are there, as they were added."""
        known = self.ids()
        places = np.minimum(np.searchsorted(known, ids), max(len(known) - 1, 0))
        if len(ids) and (not len(known) or (known[places] != ids).any()):
            missing = ids[0] if not len(known) else ids[known[places] != ids][0]
            raise KeyError(f"The index has no vector with the id {missing}.")
        rows = np.empty((len(ids), self.information.dimensions), np.float32)
        try:
            native.check(
                native.library.needletail_get_vectors(
                    self.handle, ids.ctypes.data, len(ids), rows.ctypes.data))
        except FileNotFoundError as error:
            refuse(str(error))
        return rows


def encoded(path: typing.Union[str, "os.PathLike[str]"]) -> bytes:
    """A path as the library takes it."""
    text = os.fspath(path)
    if isinstance(text, bytes):
        text = os.fsdecode(text)
    if not text or "\0" in text:
        refuse(f"{text!r} is no path; give the index's directory.")
    return os.fsencode(text)


def interruptible(call: typing.Callable[[typing.Optional[int]], int]) -> None:
    """Runs a long call, which is given a monitor, so that Ctrl-C ends it.

    Python raises KeyboardInterrupt between two of its own steps on the main thread, so there the call
    runs on another thread, and this one waits in short steps.
    """
    if threading.current_thread() is not threading.main_thread():
        native.check(call(None))
        return
    monitor = native.library.needletail_monitor_create()
    try:
        _wait(call, monitor)
    finally:
        native.library.needletail_monitor_destroy(monitor)


def _wait(call: typing.Callable[[typing.Optional[int]], int], monitor: int) -> None:
    failures: typing.List[BaseException] = []

    def work() -> None:
        try:
            # The message of an error belongs to this thread.
            native.check(call(monitor))
        except BaseException as error:  # handed over to the thread that waits
            failures.append(error)

    worker = threading.Thread(target=work, name="needletail")
    worker.start()
    try:
        while worker.is_alive():
            worker.join(0.1)
    except BaseException:
        native.library.needletail_monitor_cancel(monitor)
        # The worker still uses the caller's memory: a second Ctrl-C has to wait for it too.
        while worker.is_alive():
            try:
                worker.join(0.1)
            except BaseException:
                continue
        raise
    if failures:
        raise failures[0]


def settle(source: str, target: str, moves: bool, replaces: bool) -> bool:
    """Puts an index's directory to its place, whole or not at all; says whether it was moved.

    `moves`: the source may go; it is copied all the same where it lies on another file system.
    `replaces`: an index that is there already goes away.
    """
    parent = os.path.dirname(os.path.abspath(target))
    staging = tempfile.mkdtemp(prefix=os.path.basename(target) + ".saving-", dir=parent)
    try:
        fresh = os.path.join(staging, "index")
        is_moved = moves and _rename(source, fresh)
        if not is_moved:
            shutil.copytree(source, fresh)
            for name in pathlib.Path(fresh).rglob("*"):
                _synchronize(str(name))
        _synchronize(fresh)
        if replaces and os.path.lexists(target):
            os.rename(target, os.path.join(staging, "old"))
            try:
                os.rename(fresh, target)
            except OSError:
                os.rename(os.path.join(staging, "old"), target)
                raise
        else:
            os.rename(fresh, target)
        _synchronize(parent)
        return is_moved
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _rename(source: str, target: str) -> bool:
    try:
        os.rename(source, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        return False
    return True


def _synchronize(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
