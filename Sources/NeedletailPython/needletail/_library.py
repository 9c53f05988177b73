"""The shared library, and its structures as ctypes sees them (see CNeedletail.h)."""

from __future__ import annotations

import ctypes
import pathlib
import sys
from ctypes import c_char_p, c_float, c_int32, c_int64, c_uint32, c_uint64, c_void_p

from ._errors import raise_for

ABI_VERSION = 1
NO_ID = 2**64 - 1
METRICS = {"l2": 1, "ip": 2, "cosine": 3}
ROWS = {"f32": 1, "bf16": 2, "f16": 3, "none": 4}
CODES = {"auto": 0, "int8": 1, "none": 2, "int4": 3}
MODES = {"auto": 0, "compact": 1, "turbo": 2}
ELEMENTS = {"float32": 0, "float16": 1, "uint8": 2, "int8": 3}
RESIDENT = 1
MAPPED = 2


class _Sized(ctypes.Structure):
    """A structure that begins with its own size; everything else starts as 0, the default."""

    def __init__(self) -> None:
        super().__init__()
        self.struct_size = ctypes.sizeof(self)


class BuildOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32), ("metric", c_int32), ("dimensions", c_uint64), ("m", c_uint64),
        ("ef_construction", c_uint64), ("seed", c_uint64), ("rows", c_int32), ("codes", c_int32),
        ("mode", c_int32), ("threads", c_uint32)]


class Rows(ctypes.Structure):
    _fields_ = [
        ("components", c_void_p), ("ids", c_void_p), ("count", c_uint64),
        ("row_stride", c_uint64), ("element", c_int32), ("reserved", c_uint32)]


class OpenOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32), ("codes", c_int32), ("graph", c_int32), ("rows", c_int32),
        ("ids", c_int32), ("verification", c_int32)]


class InformationStructure(_Sized):
    _fields_ = [
        ("struct_size", c_uint32), ("metric", c_int32), ("dimensions", c_uint64),
        ("count", c_uint64), ("m", c_uint64), ("ef_construction", c_uint64), ("seed", c_uint64),
        ("rows", c_int32), ("codes", c_int32), ("code_bytes", c_uint64), ("graph_bytes", c_uint64),
        ("row_bytes", c_uint64), ("id_bytes", c_uint64), ("quantizer_bytes", c_uint64),
        ("is_tuned", c_uint32), ("mode", c_int32)]


class SearchOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32), ("threads", c_uint32), ("ef", c_uint64), ("recall", c_float),
        ("reserved", c_uint32), ("rerank", c_int64), ("evaluation_limit", c_uint64)]


class Queries(ctypes.Structure):
    _fields_ = [
        ("components", c_void_p), ("count", c_uint64), ("dimensions", c_uint64),
        ("row_stride", c_uint64), ("element", c_int32), ("reserved", c_uint32)]


class TuneOptions(_Sized):
    _fields_ = [
        ("struct_size", c_uint32), ("threads", c_uint32), ("k", c_uint64), ("queries", c_void_p),
        ("milliseconds", c_uint64)]


def _load() -> ctypes.CDLL:
    name = "libCNeedletail.dylib" if sys.platform == "darwin" else "libCNeedletail.so"
    path = pathlib.Path(__file__).with_name(name)
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        if "openblas" in str(error):
            raise ImportError(
                "needletail needs the system's OpenBLAS (libopenblas.so.0), which is not there. "
                "Install it: apt install libopenblas0 (Debian, Ubuntu) or dnf install openblas "
                f"(Fedora). The loader says: {error}") from error
        raise ImportError(
            f"needletail cannot load its library {path}: {error}. A wheel is made for one system; "
            "build it on this one with `make wheel`.") from error
    calls = {
        "needletail_abi_version": (c_uint32, []),
        "needletail_version": (c_char_p, []),
        "needletail_kernel_level": (c_char_p, []),
        "needletail_last_error": (c_char_p, []),
        "needletail_status_name": (c_char_p, [c_int32]),
        "needletail_monitor_create": (c_void_p, []),
        "needletail_monitor_destroy": (None, [c_void_p]),
        "needletail_monitor_cancel": (None, [c_void_p]),
        "needletail_build": (
            c_int32, [c_char_p, c_void_p, c_void_p, c_uint64, c_void_p, c_void_p]),
        "needletail_open": (c_int32, [c_char_p, c_void_p, c_void_p]),
        "needletail_close": (None, [c_void_p]),
        "needletail_get_information": (c_int32, [c_void_p, c_void_p]),
        "needletail_get_ids": (c_int32, [c_void_p, c_void_p, c_uint64]),
        "needletail_get_vectors": (c_int32, [c_void_p, c_void_p, c_uint64, c_void_p]),
        "needletail_tune": (c_int32, [c_void_p, c_void_p, c_void_p, c_void_p]),
        "needletail_search": (
            c_int32,
            [c_void_p, c_void_p, c_uint64, c_uint64, c_void_p, c_void_p, c_void_p, c_void_p,
             c_void_p]),
        "needletail_search_batch": (
            c_int32, [c_void_p, c_void_p, c_uint64, c_void_p, c_void_p, c_void_p, c_void_p,
                      c_void_p]),
    }
    for function, (result, arguments) in calls.items():
        entry = getattr(library, function)
        entry.restype = result
        entry.argtypes = arguments
    if library.needletail_abi_version() != ABI_VERSION:
        raise ImportError(
            f"needletail was packed with a library of ABI {library.needletail_abi_version()}, and "
            f"needs ABI {ABI_VERSION}; install the package again.")
    return library


library = _load()


def check(status: int) -> None:
    """Raises what a status other than 0 stands for; to be called on the thread of the call."""
    if status != 0:
        name = library.needletail_status_name(status).decode()
        raise_for(name, library.needletail_last_error().decode("utf-8", "replace"))
