"""Every engine of the comparison by its name, each at settings that suit it.

A name is `family` or `family-variant`. A worker process makes exactly one of these engines and drives it through
the four calls of `base.Engine`: nothing else here runs in compare.py's own process but the names.
"""

from collections.abc import Callable

from .base import Engine, Setting, Unsupported
from .graphs import Hnswlib, PyGlass, Svs, SymphonyQG, Usearch, Vsag
from .inverted import FaissIvfPq, Scann
from .linked import FaissHnsw
from .ours import Needletail

__all__ = ["ENGINES", "Engine", "Setting", "Unsupported", "family", "named"]

Maker = Callable[[int, int, str], Engine]

#: Name → how it is made from (rows, dimensions, metric). The order is that of a round.
ENGINES: dict[str, Maker] = {
    "hnswlib": lambda n, d, metric: Hnswlib(n, d, metric, m=16),
    "hnswlib-m32": lambda n, d, metric: Hnswlib(n, d, metric, m=32),
    "faiss-hnsw": lambda n, d, metric: FaissHnsw(n, d, metric, factory="HNSW32"),
    "faiss-hnsw-sq8": lambda n, d, metric: FaissHnsw(n, d, metric, factory="HNSW32_SQ8"),
    "faiss-ivf-pq": FaissIvfPq,
    "usearch-f32": lambda n, d, metric: Usearch(n, d, metric, scalar="f32"),
    "usearch-bf16": lambda n, d, metric: Usearch(n, d, metric, scalar="bf16"),
    "usearch-i8": lambda n, d, metric: Usearch(n, d, metric, scalar="i8"),
    "scann": Scann,
    "svs": lambda n, d, metric: Svs(n, d, metric, degree=32),
    "svs-d64": lambda n, d, metric: Svs(n, d, metric, degree=64),
    "vsag": Vsag,
    "pyglass-sq8": lambda n, d, metric: PyGlass(n, d, metric, search="SQ8U", refine="FP32"),
    "pyglass-sq4": lambda n, d, metric: PyGlass(n, d, metric, search="SQ4U", refine="SQ8"),
    "symphonyqg": SymphonyQG,
    "needletail": Needletail,
}


def family(name: str) -> str:
    """The library behind an engine's name: `faiss-hnsw-sq8` is faiss."""
    return name.split("-")[0]


def named(words: str) -> list[str]:
    """The engines that comma-separated names and families ask for, in their order and once each.

    An exact name wins over a family of the same word: `hnswlib` is M = 16 alone, `faiss` is everything of faiss.
    """
    chosen: list[str] = []
    for word in filter(None, (part.strip() for part in words.split(","))):
        found = [word] if word in ENGINES else [name for name in ENGINES if family(name) == word]
        if not found:
            raise ValueError(f"no engine is called {word!r}; there are {', '.join(ENGINES)}")
        chosen += [name for name in found if name not in chosen]
    return chosen
