"""The table that a person reads."""


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def grouped(number):
    return f"{number:,.0f}".replace(",", " ")


def ratio(value, reference):
    return f"{value / reference:.2f}×" if value and reference else ""


def speed(found):
    """A figure at a recall: `≥` where the smallest setting is better than the level already."""
    if found["value"] is None:
        return "–"
    return ("≥ " if found["how"] == "above" else "") + grouped(found["value"])


def columns(rows):
    """Right-aligned columns; the first one left."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths))).rstrip()
        for row in rows]


def text(document, levels, with_points):
    engines = document["engines"]
    names = [f"{level:.2f}" for level in levels]
    lines = [
        f"{document['data']}: {grouped(document['rows'])} × {document['dimensions']},"
        f" {document['metric']}, {grouped(document['queries'])} queries, k = {document['k']}."
        f" {document['machine']['processor']}, {document['machine']['cores']} cores.", ""]
    if engines:
        reference = next((e for e in engines if e["engine"] == "hnswlib"), engines[0])
        head = ["", "build s", "", "MB", ""]
        for name in names:
            head += [f"QPS at {name}", ""]
        rows = [head]
        for engine in engines:
            row = [
                engine["label"], f"{engine['buildSeconds']:.1f}",
                ratio(engine["buildSeconds"], reference["buildSeconds"]),
                f"{engine['memory']['bytes'] / 1e6:.1f}",
                ratio(engine["memory"]["bytes"], reference["memory"]["bytes"])]
            for name in names:
                found = engine["atRecall"][name]
                row += [speed(found), ratio(found["value"], reference["atRecall"][name]["value"])]
            rows.append(row)
        lines += columns(rows)
        lines += [
            "",
            f"Ratios are to {reference['label']}: build and memory lower is better, QPS higher."
            f" Builds on {document['buildThreads']} threads, searches on one.",
            "≥: the smallest setting is above that recall already.  –: no setting reaches it."]
        lines += [f"  {engine['label']}: {engine['settings']}" for engine in engines]
    for engine in engines:
        if "evaluationsAtRecall" in engine:
            counts = ", ".join(
                f"{grouped(found['value'])} at {name}" if found["value"] else f"– at {name}"
                for name, found in engine["evaluationsAtRecall"].items())
            lines += ["", f"Evaluations per query of {engine['label']}: {counts}."]
    if "descendingNormScan" in document:
        counts = ", ".join(
            f"{grouped(count)} at {name}" for name, count in document["descendingNormScan"].items())
        lines += ["", f"Evaluations per query of a scan by falling norm: {counts}."]
    if with_points:
        for engine in engines:
            rows = [[engine["label"], "recall", "QPS", "evaluations"]]
            for point in engine["points"]:
                count = point.get("evaluationsPerQuery")
                rows.append([
                    f"  efSearch {point['efSearch']}", f"{point['recall']:.4f}",
                    grouped(point["queriesPerSecond"]), grouped(count) if count else ""])
            lines += ["", *columns(rows)]
    return "\n".join(lines)
