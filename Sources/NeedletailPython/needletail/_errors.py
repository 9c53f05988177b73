"""What can go wrong, as Python's own kinds of errors."""

from __future__ import annotations

from typing import NoReturn


class NeedletailError(Exception):
    """Anything that the engine refuses.

    `code` is a stable name for programs; the text is for people. Every error is also of the kind that
    Python uses for such a thing: ValueError, FileNotFoundError, FileExistsError or OSError.
    """

    code: str = "other"


class InvalidInputError(NeedletailError, ValueError):
    """An argument, an option or a vector that cannot be used."""


class IndexNotFoundError(NeedletailError, FileNotFoundError):
    """There is no index at a path."""


class IndexExistsError(NeedletailError, FileExistsError):
    """Something is in the place where an index would go."""


class DamagedIndexError(NeedletailError, ValueError):
    """The files of an index are damaged, or of a version that this one does not read."""


class StorageError(NeedletailError, OSError):
    """The operating system refused a file operation or memory."""


_KINDS = {
    "invalidConfiguration": InvalidInputError,
    "dimensionMismatch": InvalidInputError,
    "nonFiniteComponent": InvalidInputError,
    "zeroVector": InvalidInputError,
    "capacityExceeded": InvalidInputError,
    "notFound": IndexNotFoundError,
    "alreadyExists": IndexExistsError,
    "locked": StorageError,
    "overBudget": StorageError,
    "io": StorageError,
    "unsupportedFormat": DamagedIndexError,
    "corrupted": DamagedIndexError,
}


def raise_for(code: str, message: str) -> NoReturn:
    """Raises the error of a code."""
    error = _KINDS.get(code, NeedletailError)(message)
    error.code = code
    raise error


def refuse(message: str, code: str = "invalidConfiguration") -> NoReturn:
    """Raises for input that never gets as far as the engine."""
    raise_for(code, message)
