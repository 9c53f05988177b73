"""Arrays as the library takes them: rows of one element, row after row, without copies where possible."""

from __future__ import annotations

import operator
import typing

import numpy as np
import numpy.typing as npt

from . import _library as native
from ._errors import refuse

AnyArray = npt.NDArray[typing.Any]
_FLOAT32 = np.dtype(np.float32)


def matrix(
    vectors: npt.ArrayLike, dimensions: int, noun: str
) -> typing.Tuple[AnyArray, bool]:
    """`vectors` as [n, dimensions] of an element that the library reads, and whether it is a copy.

    One vector alone becomes one row. float32, float16, uint8 and int8 stay what they are and where they
    are; other numbers become float32.
    """
    if (
        type(vectors) is np.ndarray
        and vectors.dtype == _FLOAT32
        and 1 <= vectors.ndim <= 2
        and vectors.shape[-1] == dimensions
        and vectors.flags.carray
    ):
        # What single queries look like, for which every microsecond counts.
        return (vectors if vectors.ndim == 2 else vectors[np.newaxis, :]), False
    array = np.asarray(vectors)
    if array.ndim == 1 and array.size == 0:
        array = np.empty((0, dimensions), np.float32)
    if array.ndim == 1:
        array = array[np.newaxis, :]
    if array.ndim != 2:
        refuse(f"{noun} have the shape {array.shape}; give [n, {dimensions}] or [{dimensions}].")
    if array.shape[1] != dimensions:
        refuse(
            f"{noun} have {array.shape[1]} components; the index has {dimensions} dimensions.",
            "dimensionMismatch")
    if array.dtype.kind not in "fiu":
        refuse(f"{noun} are of the type {array.dtype}; give numbers, best float32.")
    if array.dtype.newbyteorder("=").name not in native.ELEMENTS:
        with np.errstate(over="ignore"):
            return array.astype(np.float32, order="C"), True
    size = array.dtype.itemsize
    in_place = (
        array.dtype.isnative
        and array.strides[1] == size
        and array.strides[0] >= dimensions * size
        and array.strides[0] % size == 0
        and array.flags.aligned
    ) or (array.dtype.isnative and array.flags.c_contiguous and array.flags.aligned)
    if in_place:
        return array, False
    return np.array(array, array.dtype.newbyteorder("="), order="C"), True


def stride(array: AnyArray) -> int:
    """Bytes from one row to the next; 0, no gap, where the rows touch."""
    return 0 if array.flags.c_contiguous else array.strides[0]


def element(array: AnyArray) -> int:
    """The library's number for the type of the components."""
    return native.ELEMENTS[array.dtype.name]


def identities(ids: npt.ArrayLike, count: int) -> npt.NDArray[np.uint64]:
    """`ids` as an array of its own, one whole number from 0 to 2**63 - 1 for each row."""
    array = np.asarray(ids)
    if array.ndim == 0:
        array = array[np.newaxis]
    if array.size == 0:
        array = array.astype(np.uint64)
    if array.ndim != 1 or array.shape[0] != count:
        refuse(f"ids have the shape {array.shape} for {count} vectors; give one id for each vector.")
    if array.dtype.kind not in "iu":
        refuse(f"ids are of the type {array.dtype}; give whole numbers.")
    if count and (int(array.min()) < 0 or int(array.max()) >= 2**63):
        refuse(
            f"ids reach from {array.min()} to {array.max()}; they are 0 to 2**63 - 1, because -1 stands "
            "for a missing answer.")
    return np.array(array, np.uint64, order="C")


def whole(value: typing.SupportsIndex, name: str, low: int, high: int) -> int:
    """A whole number in a range."""
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}; give a whole number.") from None
    if not low <= number <= high:
        refuse(f"{name} is {number}; it is {low} to {high}.")
    return number


def check_rows(array: AnyArray, metric: str) -> None:
    """Refuses rows that cannot be indexed, naming the first."""
    if array.dtype.kind == "f":
        # Block by block: the answers of a whole matrix would take a quarter of its memory again.
        for start in range(0, len(array), 4096):
            block = array[start : start + 4096]
            finite = np.isfinite(block)
            if not finite.all():
                row, component = (int(i) for i in np.argwhere(~finite)[0])
                refuse(
                    f"Row {start + row}, component {component} is {block[row, component]}; remove the row "
                    "or mend its source.", "nonFiniteComponent")
    if metric == "cosine":
        for start in range(0, len(array), 4096):
            some = array[start : start + 4096].any(axis=1)
            if not some.all():
                refuse(
                    f"Row {start + int(np.argmin(some))} is all zeros; it has no direction, so no cosine. "
                    "Leave it out.", "zeroVector")
