"""One self-contained page about a comparison: no script, no address, nothing to load.

As in the evaluation's own report, every drawing is made twice, for a wide and for a narrow page, and the style
shows the one that fits; so its letters keep their size on a phone.
"""

import math
from collections.abc import Sequence
from html import escape
from typing import Any

import report
from judge import frontier

#: Nothing that a figure is about lies below; the frontiers are drawn from here on.
FLOOR = 0.8
#: Colours that stay apart on white and on black, and for most who see fewer; a dash tells variants of one library.
HUES = ("#0b6e75", "#c2571a", "#6a51a3", "#2b7bba", "#b2262e", "#4d8c1f", "#a0698c", "#8a6d1d", "#5f6b73")
DASHES = ("", "7 4", "2 4", "9 3 2 3")

STYLE = """
:root { --paper: #fff; --ink: #1b2127; --soft: #5c6873; --rule: #dfe4e8; --grid: #eceff2; --ours: #0b6e75; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181c; --ink: #e8ecef; --soft: #9aa6b0; --rule: #313a42;
  --grid: #232a31; --ours: #59c3c8; } .rival { filter: brightness(1.45); } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 58rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0.1rem 0 0.3rem; letter-spacing: -0.015em;
  overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 0 0 0.25rem; }
section { margin-top: 2.75rem; }
.kicker { margin: 0; color: var(--ours); font-weight: 600; font-size: 0.875rem; }
.sub, .note { color: var(--soft); margin: 0; }
.note { font-size: 0.875rem; margin: 0 0 0.75rem; }
.scroll + .note { margin-top: 0.5rem; }
svg { display: block; width: 100%; height: auto; overflow: visible; }
svg text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; fill: var(--soft);
  font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--grid); } svg .axis { stroke: var(--rule); } svg .level { stroke: var(--rule); }
svg .line { fill: none; stroke-width: 1.75; stroke-linejoin: round; }
svg .ours { stroke-width: 3; }
.narrow { display: none; }
.key { list-style: none; margin: 0.75rem 0 0; padding: 0; display: flex; flex-wrap: wrap; gap: 0.3rem 1.25rem;
  font-size: 0.875rem; }
.key li { display: flex; align-items: center; gap: 0.5rem; }
.key svg { width: 30px; height: 12px; flex: none; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.8125rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0.35rem 0 0.35rem 0.8rem; white-space: nowrap; }
td.ratio { color: var(--soft); padding-left: 0.35rem; }
th:first-child { text-align: left; padding-left: 0; padding-right: 0.4rem; position: sticky; left: 0;
  background: var(--paper); }
thead th { color: var(--soft); font-weight: 500; border-bottom: 1px solid var(--ink); vertical-align: bottom; }
tbody th { font-weight: 400; } tbody tr.ours > * { font-weight: 600; }
tbody tr + tr > * { border-top: 1px solid var(--grid); }
ul.plain { margin: 0.25rem 0 0; padding-left: 1.1rem; font-size: 0.875rem; }
@media (max-width: 620px) {
  main { padding: 1.5rem 1rem 3rem; } h1 { font-size: 1.6rem; }
  .wide { display: none; } .narrow { display: block; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --grid: #ddd; --ours: #0b6e75; }
  .rival { filter: none; } @page { margin: 14mm 16mm; }
  body { font-size: 10.5pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
  main { max-width: none; padding: 0; } section { break-inside: avoid; margin-top: 1.4rem; }
  .scroll { overflow: visible; } table { font-size: 7.5pt; } th:first-child { position: static; }
  .wide { display: block; } .narrow { display: none; }
}
"""


class Look:
    """How the lines of the engines look: a colour for a library, a dash for its variants, ours the heaviest."""

    def __init__(self, names: Sequence[str]) -> None:
        self.colour: dict[str, str] = {}
        self.dash: dict[str, str] = {}
        families: dict[str, list[str]] = {}
        for name in names:
            families.setdefault(name.split("-")[0], []).append(name)
        hues = iter(HUES[1:] * 3)
        for family, members in families.items():
            hue = "var(--ours)" if family == "needletail" else next(hues)
            for number, name in enumerate(members):
                self.colour[name], self.dash[name] = hue, DASHES[number % len(DASHES)]

    def attributes(self, name: str) -> str:
        dash = f' stroke-dasharray="{self.dash[name]}"' if self.dash[name] else ""
        kind = "ours" if name == "needletail" else "rival"
        return f'class="line {kind}" style="stroke: {self.colour[name]}"{dash}'


def nines(recall: float) -> float:
    """The place of a recall on an axis that gives 0.90, 0.99 and 0.999 the same step: −log₁₀(1 − recall)."""
    return -math.log10(max(1 - recall, 1e-4))


def ticks(least: float, most: float) -> list[float]:
    """1, 2 and 5 times powers of ten that hold both ends between them; powers alone where there are many."""
    powers = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(most)) + 1)
    every = [factor * 10.0 ** power for power in powers for factor in (1, 2, 5)]
    low = max(tick for tick in every if tick <= least * 1.000001)
    high = min(tick for tick in [*every, 10.0 ** (powers[-1] + 1)] if tick >= most * 0.999999)
    return [tick for tick in every if low <= tick <= high] or [low, high]


def short(value: float) -> str:
    """A tick of a speed axis: `500`, `2k`, `1M`."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"


def lines(document: dict[str, Any]) -> dict[str, list[tuple[float, float, str]]]:
    """Recall, speed and words of each engine's frontier from the floor on, by rising recall."""
    found = {}
    for engine in document["engines"]:
        points = [p for p in frontier(engine["points"]) if p["recall"] >= FLOOR]
        if points:
            found[engine["engine"]] = [
                (p["recall"], p["queriesPerSecond"], report.parameters(p["setting"])) for p in points]
    return found


def plot(document: dict[str, Any], levels: Sequence[float], width: int, name: str) -> str:
    """Recall across on a scale of nines, queries a second upwards on a logarithmic one."""
    found = lines(document)
    if not found:
        return ""
    height = 460 if width > 500 else 400
    left, right, top, bottom = (56, 16, 30, height - 46) if width > 500 else (42, 8, 30, height - 46)
    recalls = [point[0] for points in found.values() for point in points]
    speeds = [point[1] for points in found.values() for point in points]
    marks = ticks(min(speeds), max(speeds))
    low, high = math.log10(marks[0]), math.log10(max(marks[-1], marks[0] * 1.01))
    first, last = nines(min(min(recalls), levels[0])), nines(max(max(recalls), levels[-1]))

    def x(recall: float) -> float:
        return left + (width - left - right) * (nines(recall) - first) / (last - first)

    def y(rate: float) -> float:
        return bottom - (bottom - top) * (math.log10(rate) - low) / (high - low)

    out = [f'<svg class="{name}" viewBox="0 0 {width} {height}" role="img" '
           'aria-label="Recall against queries a second of every engine; figures below">']
    for tick in marks:
        out.append(f'<line class="grid" x1="{left}" y1="{y(tick):.1f}" x2="{width - right}" y2="{y(tick):.1f}"/>')
        out.append(f'<text x="{left - 8}" y="{y(tick) + 4:.1f}" text-anchor="end">{short(tick)}</text>')
    for recall in (0.8, 0.85, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999):
        # Ticks that would touch on a phone are left out there, but never the levels of the table.
        if not first - 1e-9 <= nines(recall) <= last + 1e-9 or (
                width < 500 and recall not in levels and recall in (0.85, 0.98, 0.995)):
            continue
        kind = "level" if recall in levels else "grid"
        out.append(f'<line class="{kind}" x1="{x(recall):.1f}" y1="{top}" x2="{x(recall):.1f}" y2="{bottom}"/>')
        out.append(f'<text x="{x(recall):.1f}" y="{bottom + 19}" text-anchor="middle">{recall:g}</text>')
    out.append(f'<line class="axis" x1="{left}" y1="{bottom}" x2="{width - right}" y2="{bottom}"/>')
    out.append('<text x="0" y="14">queries a second</text>')
    out.append(f'<text x="{width - right}" y="{height - 6}" text-anchor="end">recall@{document["k"]}</text>')
    look = Look([engine["engine"] for engine in document["engines"]])
    # Ours last, so that it lies above the others.
    for engine in sorted(found, key=lambda other: other == "needletail"):
        places = [(x(recall), y(rate), recall, rate, words) for recall, rate, words in found[engine]]
        path = " ".join(f"{px:.1f},{py:.1f}" for px, py, *_ in places)
        out.append(f'<polyline {look.attributes(engine)} points="{path}"/>')
        kind = "ours" if engine == "needletail" else "rival"
        for px, py, recall, rate, words in places:
            out.append(
                f'<circle class="{kind}" cx="{px:.1f}" cy="{py:.1f}" r="{3.5 if kind == "ours" else 2.5}" '
                f'style="fill: {look.colour[engine]}"><title>{escape(engine)}, {escape(words)}: recall '
                f'{recall:.4f}, {report.grouped(rate)} queries a second</title></circle>')
    return "\n".join([*out, "</svg>"])


def key(document: dict[str, Any]) -> str:
    look = Look([engine["engine"] for engine in document["engines"]])
    drawn = lines(document)
    items = [
        f'<li><svg viewBox="0 0 30 12" aria-hidden="true"><path d="M1 6H29" {look.attributes(engine["engine"])}/>'
        f'</svg>{escape(engine["label"])}</li>'
        for engine in document["engines"] if engine["engine"] in drawn]
    return f'<ul class="key">{"".join(items)}</ul>'


def table(document: dict[str, Any], names: Sequence[str]) -> str:
    head, *rows = report.table(document, names)

    def cells(row: Sequence[str], tag: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        return "".join(
            f'<{tag}{scope}{" class=ratio" if number % 2 == 1 and tag == "td" else ""}>{escape(cell)}</{tag}>'
            for number, cell in enumerate(row))

    body = "\n".join(
        f'<tr{" class=ours" if engine["engine"] == "needletail" else ""}><th scope="row">{escape(row[0])}</th>'
        f'{cells(row[1:], "td")}</tr>' for engine, row in zip(document["engines"], rows))
    return (
        f'<div class="scroll"><table>\n<thead><tr>{cells(head, "th")}</tr></thead>\n<tbody>\n{body}\n</tbody>\n'
        "</table></div>")


def listed(entries: Sequence[str]) -> str:
    return '<ul class="plain">' + "".join(f"<li>{escape(entry)}</li>" for entry in entries) + "</ul>"


def section(heading: str, *parts: str) -> str:
    return f"<section>\n<h2>{escape(heading)}</h2>\n" + "\n".join(parts) + "\n</section>"


def html(document: dict[str, Any], levels: Sequence[float]) -> str:
    """The page."""
    sections = []
    if document["engines"]:
        names = [f"{level:.2f}" for level in levels]
        note = (
            "Each line is what an engine's settings reach that no other setting of it beats; a dot is one setting, the"
            f" best of {document['rounds']} round{'s' if document['rounds'] > 1 else ''}. Up and to the right is"
            " better. One thread, one batch of all queries. Recall is judged in one place for all.")
        notes = "".join(f'<p class="note">{escape(line)}</p>' for line in report.notes(document))
        sections = [
            section(
                "Recall against speed", f'<p class="note">{escape(note)}</p>',
                plot(document, levels, 860, "wide"), plot(document, levels, 358, "narrow"), key(document)),
            section("At equal recall", table(document, names), notes, listed(report.rivals(document))),
            section("Spread and scaling", listed(report.spread(document))) if report.spread(document) else "",
            section("Settings", listed([f"{e['label']}: {e['settings']}" for e in document["engines"]]))]
    if document["leftOut"]:
        sections.append(section("Left out", listed(report.left_out(document))))
    name = escape(document["data"])
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{name} · Needletail beside other engines</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f'<header>\n<p class="kicker">Needletail beside other engines</p>\n<h1>{name}</h1>\n'
        f'<p class="sub">{escape(report.title(document).split(": ", 1)[1])}</p>\n</header>\n'
        + "\n".join(filter(None, sections)) + "\n</main>\n</body>\n</html>\n")
