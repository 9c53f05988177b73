"""Nearest neighbours in large sets of vectors.

    >>> import numpy, needletail
    >>> index = needletail.Index(dimensions=384, metric="cosine")
    >>> index.add(ids, vectors)
    >>> index.save("words.needletail")
    >>> ids, distances = index.search(queries, k=10, ef=64)
"""

from ._errors import (
    DamagedIndexError,
    IndexExistsError,
    IndexNotFoundError,
    InvalidInputError,
    NeedletailError,
    StorageError,
)
from ._index import Index
from ._information import Information
from ._library import library as _library

__version__: str = _library.needletail_version().decode()


def kernel_level() -> str:
    """The instruction set of the kernels in this process: scalar, avx2, avx512, avx512vnni or neon.

    The environment's NEEDLETAIL_ISA forces a lower one, when it is set before the first search.
    """
    return str(_library.needletail_kernel_level().decode())


__all__ = [
    "DamagedIndexError",
    "Index",
    "IndexExistsError",
    "IndexNotFoundError",
    "Information",
    "InvalidInputError",
    "NeedletailError",
    "StorageError",
    "__version__",
    "kernel_level",
]
