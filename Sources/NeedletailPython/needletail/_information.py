"""What is known about an index."""

from __future__ import annotations

import dataclasses

from . import _library as native


@dataclasses.dataclass(frozen=True)
class Information:
    """What shapes an open index, and its size.

    `bytes` counts by component: codes, graph, rows, ids, quantizer, as they are in the file.
    """

    count: int
    dimensions: int
    metric: str
    m: int
    ef_construction: int
    seed: int
    rows: str
    codes: str
    mode: str
    is_tuned: bool
    bytes: dict[str, int]
    path: str

    @property
    def total_bytes(self) -> int:
        """The bytes of all components."""
        return sum(self.bytes.values())


def _word(words: dict[str, int], number: int) -> str:
    return next((word for word, value in words.items() if value == number), "unknown")


def read_information(structure: native.InformationStructure, path: str) -> Information:
    """The structure in words."""
    return Information(
        count=structure.count,
        dimensions=structure.dimensions,
        metric=_word(native.METRICS, structure.metric),
        m=structure.m,
        ef_construction=structure.ef_construction,
        seed=structure.seed,
        rows=_word(native.ROWS, structure.rows),
        codes=_word(native.CODES, structure.codes),
        mode=_word(native.MODES, structure.mode),
        is_tuned=structure.is_tuned != 0,
        bytes={
            "codes": structure.code_bytes,
            "graph": structure.graph_bytes,
            "rows": structure.row_bytes,
            "ids": structure.id_bytes,
            "quantizer": structure.quantizer_bytes,
        },
        path=path,
    )
