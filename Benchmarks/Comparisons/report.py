"""The table that a person reads."""

from collections.abc import Sequence
from typing import Any


def processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def grouped(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def ratio(value: float | None, reference: float | None) -> str:
    return f"{value / reference:.2f}×" if value and reference else ""


def speed(found: dict[str, Any]) -> str:
    """A figure at a recall: `≥` where the smallest setting is better than the level already."""
    if found["value"] is None:
        return "–"
    return ("≥ " if found["how"] == "above" else "") + grouped(found["value"])


def parameters(setting: dict[str, float]) -> str:
    """A setting in words: `ef 64`, `nprobe 16, k_factor 4`."""
    return ", ".join(f"{name} {value:g}" for name, value in setting.items())


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Right-aligned columns; the first one left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
        for row in rows]


def reference_of(document: dict[str, Any]) -> dict[str, Any]:
    """The engine that ratios are to: hnswlib with M = 16, else the first."""
    engines: list[dict[str, Any]] = document["engines"]
    return next((engine for engine in engines if engine["engine"] == "hnswlib"), engines[0])


def title(document: dict[str, Any]) -> str:
    return (
        f"{document['data']}: {grouped(document['rows'])} × {document['dimensions']},"
        f" {document['metric']}, {grouped(document['queries'])} queries, k = {document['k']}."
        f" {document['machine']['processor']}, {document['machine']['cores']} cores.")


def table(document: dict[str, Any], names: Sequence[str]) -> list[list[str]]:
    """Head and one row for each engine, as cells."""
    reference = reference_of(document)
    head = ["", "build s", "", "MB", ""]
    for name in names:
        head += [f"QPS at {name}", ""]
    rows = [head]
    for engine in document["engines"]:
        row = [
            engine["label"], f"{engine['buildSeconds']:.1f}",
            ratio(engine["buildSeconds"], reference["buildSeconds"]),
            f"{engine['memory']['bytes'] / 1e6:.1f}",
            ratio(engine["memory"]["bytes"], reference["memory"]["bytes"])]
        for name in names:
            found = engine["atRecall"][name]
            row += [speed(found), ratio(found["value"], reference["atRecall"][name]["value"])]
        rows.append(row)
    return rows


def notes(document: dict[str, Any]) -> list[str]:
    """What must be known to read the table."""
    clock = " Searches are timed by the processor's clock, not the wall's." if document["clock"] == "cpu" else ""
    return [
        f"Ratios are to {reference_of(document)['label']}: build and memory lower is better, QPS higher."
        f" Builds on {document['buildThreads']} threads, searches on one.{clock}",
        "≥: the smallest setting is above that recall already.  –: no setting reaches it."]


def rivals(document: dict[str, Any]) -> list[str]:
    """The fastest rival at each recall, and what it is to ours."""
    lines = []
    for name, found in document["best"].items():
        if not found["rival"]:
            continue
        line = f"The fastest rival at {name} is {found['rival']}: {grouped(found['queriesPerSecond'])}"
        if found["toReference"]:
            line += f" ({found['toReference']:.2f}× the reference)"
        if found["oursToRival"]:
            line += f"; needletail has {found['oursToRival']:.2f}× that"
        lines.append(line + ".")
    return lines


def spread(document: dict[str, Any]) -> list[str]:
    """What only Needletail tells: evaluations and their tail, asking by recall, scaling over threads."""
    lines = []
    for engine in document["engines"]:
        if "evaluationsAtRecall" in engine:
            counts = ", ".join(
                f"{grouped(found['value'])} at {name}" if found["value"] else f"– at {name}"
                for name, found in engine["evaluationsAtRecall"].items())
            lines.append(f"Evaluations per query of {engine['label']}: {counts}.")
        for name, tail in engine.get("tail", {}).items():
            line = (
                f"Tail at {name} ({parameters(tail['setting'])}): evaluations p50 {grouped(tail['p50Evaluations'])},"
                f" p99 {grouped(tail['p99Evaluations'])}")
            if tail["ratio"]:
                line += f", {tail['ratio']:.2f}×"
            if "p99Microseconds" in tail:
                line += f"; times p50 {tail['p50Microseconds']:.1f} µs, p99 {tail['p99Microseconds']:.1f} µs"
            lines.append(line + ".")
        for found in engine.get("byRecall", []):
            lines.append(
                f"Asked for recall {found['asked']:.2f}: {found['recall']:.4f} at"
                f" {grouped(found['queriesPerSecond'])} queries a second.")
    if "scaling" in document:
        found = document["scaling"]
        lines.append(
            f"{found['threads']} threads ({parameters(found['setting'])}, recall {found['recall']:.4f}):"
            f" {grouped(found['queriesPerSecondN'])} queries a second, {found['search']:.2f}× one thread;"
            f" arithmetic alone {found['arithmetic']:.2f}×; ratio {found['ratio']:.2f}.")
    if "descendingNormScan" in document:
        counts = ", ".join(
            f"{grouped(count)} at {name}" for name, count in document["descendingNormScan"].items())
        lines.append(f"Evaluations per query of a scan by falling norm: {counts}.")
    return lines


def left_out(document: dict[str, Any]) -> list[str]:
    return [f"{missing['engine']}: {missing['reason']}" for missing in document["leftOut"]]


def text(document: dict[str, Any], levels: Sequence[float], with_points: bool) -> str:
    lines = [title(document), ""]
    if document["engines"]:
        lines += [*columns(table(document, [f"{level:.2f}" for level in levels])), "", *notes(document)]
        lines += [f"  {engine['label']}: {engine['settings']}" for engine in document["engines"]]
        lines += ["", *rivals(document), *spread(document)]
    if document["leftOut"]:
        lines += ["", "Left out:", *(f"  {line}" for line in left_out(document))]
    if with_points:
        for engine in document["engines"]:
            rows = [[engine["label"], "recall", "QPS", "evaluations"]]
            for point in engine["points"]:
                count = point.get("evaluationsPerQuery")
                rows.append([
                    f"  {parameters(point['setting'])}", f"{point['recall']:.4f}",
                    grouped(point["queriesPerSecond"]), grouped(count) if count else ""])
            lines += ["", *columns(rows)]
    return "\n".join(lines)
