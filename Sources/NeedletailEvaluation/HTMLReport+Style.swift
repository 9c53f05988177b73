extension HTMLReport {
  /// The style of the page: system letters, one colour, light and dark, screen and paper.
  static let style = """
    :root { --paper: #fff; --ink: #1b2127; --soft: #5c6873; --rule: #dfe4e8; --grid: #eceff2;
      --accent: #0b6e75; --tint1: #8fc7c9; --tint2: #4a9da2; --tint3: #0b6e75; --tint4: #063f45; }
    @media (prefers-color-scheme: dark) { :root { --paper: #14181c; --ink: #e8ecef;
      --soft: #9aa6b0; --rule: #313a42; --grid: #232a31; --accent: #59c3c8; --tint1: #2d6f73;
      --tint2: #3f9ba0; --tint3: #59c3c8; --tint4: #b9eaec; } }
    * { box-sizing: border-box; }
    html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
    body { margin: 0; background: var(--paper); color: var(--ink);
      font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
    main { max-width: 49rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
    h1 { font-size: 2rem; line-height: 1.2; margin: 0.1rem 0 0.3rem; letter-spacing: -0.015em;
      overflow-wrap: anywhere; }
    h2 { font-size: 1.15rem; margin: 0 0 0.25rem; }
    section { margin-top: 2.75rem; }
    .kicker { margin: 0; color: var(--accent); font-weight: 600; font-size: 0.875rem; }
    .sub, .note { color: var(--soft); margin: 0; }
    .note { font-size: 0.875rem; margin-bottom: 0.75rem; }
    .headline { display: flex; flex-wrap: wrap; gap: 0.5rem 2.75rem; margin: 1.5rem 0 0.25rem; }
    .headline div { display: flex; flex-direction: column-reverse; }
    .headline dt { color: var(--soft); font-size: 0.875rem; }
    .headline dd { margin: 0; font-size: 1.9rem; line-height: 1.2; font-weight: 600;
      font-variant-numeric: tabular-nums; }
    svg { display: block; width: 100%; height: auto; overflow: visible; }
    svg text { font: 13px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
      fill: var(--soft); font-variant-numeric: tabular-nums; }
    svg .strong { fill: var(--ink); font-weight: 600; }
    svg .soft { fill: var(--soft); font-weight: 400; }
    svg .grid { stroke: var(--grid); stroke-width: 1; }
    svg .axis { stroke: var(--rule); stroke-width: 1; }
    svg .line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; }
    svg .span { stroke: var(--accent); stroke-width: 2; opacity: 0.45; }
    svg .dot { fill: var(--accent); stroke: var(--paper); stroke-width: 1.5; }
    svg .track { stroke: var(--rule); stroke-width: 2; }
    svg .bar { fill: var(--accent); } svg .bar.mapped { fill: var(--tint1); }
    .p50 { fill: var(--tint1); color: var(--tint1); } .p95 { fill: var(--tint2); color: var(--tint2); }
    .p99 { fill: var(--tint3); color: var(--tint3); } .p999 { fill: var(--tint4); color: var(--tint4); }
    .narrow { display: none; }
    .scroll { overflow-x: auto; }
    table { border-collapse: collapse; width: 100%; font-size: 0.8125rem;
      font-variant-numeric: tabular-nums; }
    th, td { text-align: right; padding: 0.35rem 0 0.35rem 0.8rem; white-space: nowrap; }
    th:first-child { text-align: left; padding-left: 0; position: sticky; left: 0;
      background: var(--paper); padding-right: 0.4rem; }
    thead th { color: var(--soft); font-weight: 500; border-bottom: 1px solid var(--ink);
      vertical-align: bottom; }
    tbody th { font-weight: 600; }
    tbody tr + tr > * { border-top: 1px solid var(--grid); }
    .scroll + .note { margin-top: 0.5rem; }
    .facts { margin: 0.5rem 0 0; font-size: 0.875rem; }
    .facts div { display: flex; gap: 1rem; padding: 0.3rem 0; border-top: 1px solid var(--grid); }
    .facts dt { color: var(--soft); flex: 0 0 9.5rem; }
    .facts dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
    @media (max-width: 560px) {
      main { padding: 1.5rem 1rem 3rem; }
      h1 { font-size: 1.6rem; }
      .headline { gap: 0.75rem 1.2rem; } .headline dd { font-size: 1.35rem; }
      .headline dt { font-size: 0.8125rem; }
      .wide { display: none; } .narrow { display: block; }
      .facts div { flex-direction: column; gap: 0; } .facts dt { flex: none; }
    }
    @media print {
      :root { --paper: #fff; --ink: #000; --soft: #444; --rule: #bbb; --grid: #ddd;
        --accent: #0b6e75; --tint1: #8fc7c9; --tint2: #4a9da2; --tint3: #0b6e75; --tint4: #063f45; }
      @page { margin: 14mm 16mm; }
      body { font-size: 10.5pt; -webkit-print-color-adjust: exact; print-color-adjust: exact; }
      main { max-width: none; padding: 0; }
      section { break-inside: avoid; margin-top: 1.4rem; }
      .scroll { overflow: visible; } table { font-size: 8.5pt; }
      th:first-child { position: static; }
      .wide { display: block; max-width: 138mm; } .narrow { display: none; }
    }

    """
}
