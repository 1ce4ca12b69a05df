"""The look of the pages: one sheet, inside each page, for light and dark, desktop and phone."""

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --card: #fff; --ink: #1d2025; --soft: #59606b; --line: #e0e2e6;
  --link: #0b57b0; --good: #14692f; --bad: #b3261e; --warn: #8a4b00; --quiet: #59606b;
  --good-ground: #e7f4ea; --bad-ground: #fceceb; --warn-ground: #fdf1e0; --quiet-ground: #eef0f3;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14161a; --card: #1b1e24; --ink: #e6e8ec; --soft: #a3abb8; --line: #31363f;
    --link: #8ab8ff; --good: #84dca0; --bad: #ffaba3; --warn: #f5c27a; --quiet: #b3bbc8;
    --good-ground: #17301f; --bad-ground: #3a1d1c; --warn-ground: #362814; --quiet-ground: #262a32;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Open Sans", Roboto, sans-serif; }
main { max-width: 76rem; margin: 0 auto; padding: 2rem 1.5rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; font-weight: 650;
  overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .75rem; font-weight: 650; }
p { margin: .25rem 0; }
a { color: var(--link); text-underline-offset: .15em; }
a:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px;
  border-radius: 3px; }
code, .mono, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono",
  monospace; font-size: .875em; }
.over { color: var(--soft); margin-bottom: 1rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .25rem .5rem; }
.summary { border: 1px solid var(--line); border-left: .4rem solid var(--quiet); background:
  var(--card); border-radius: .5rem; padding: 1rem 1.25rem; margin: 1.25rem 0; }
.summary.good { border-left-color: var(--good); }
.summary.bad { border-left-color: var(--bad); }
.summary.warn { border-left-color: var(--warn); }
.summary p:first-child { display: flex; flex-wrap: wrap; gap: .35rem .75rem;
  align-items: baseline; }
.summary strong { font-size: 1.15rem; font-weight: 600; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .3rem 1.25rem; margin: 1rem 0; }
dt { color: var(--soft); }
dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; background: var(--card); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .5rem; }
caption { text-align: left; color: var(--soft); padding: .75rem .8rem; font-size: .875rem; }
th, td { text-align: left; vertical-align: top; padding: .55rem .8rem;
  border-top: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; font-size: .875rem; white-space: nowrap; }
tbody th { font-weight: 500; overflow-wrap: anywhere; min-width: 14rem; }
tbody tr:target { background: var(--quiet-ground); }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.note { display: block; color: var(--soft); font-size: .875rem; font-weight: 400; }
.soft { color: var(--soft); font-size: .875rem; }
td .note { white-space: nowrap; }
.badge { display: inline-block; border-radius: 1rem; padding: .05rem .65rem; font-size: .875rem;
  font-weight: 600; white-space: nowrap; color: var(--quiet); background: var(--quiet-ground); }
.badge.good { color: var(--good); background: var(--good-ground); }
.badge.bad { color: var(--bad); background: var(--bad-ground); }
.badge.warn { color: var(--warn); background: var(--warn-ground); }
.warning { color: var(--warn); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: 1rem;
  overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.45; }
ul { padding-left: 1.25rem; margin: .5rem 0; }
footer { color: var(--soft); font-size: .875rem; margin-top: 2.5rem; }
@media (max-width: 46rem) {
  main { padding: 1.25rem 1rem 3rem; }
  h1 { font-size: 1.35rem; }
  dl { gap: .3rem .9rem; }
  .proofs thead { position: absolute; left: -99rem; }
  .proofs, .proofs tbody, .proofs caption { display: block; }
  .proofs tr { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
    gap: .15rem 1rem; padding: .8rem 1rem; border-top: 1px solid var(--line); }
  .proofs th, .proofs td { display: block; border: 0; padding: 0; text-align: left; min-width: 0; }
  .proofs tbody th { grid-column: 1 / -1; }
  .proofs .number { white-space: normal; }
  .proofs td[data-name]::before { content: attr(data-name) "\\a0"; color: var(--soft);
    font-size: .875rem; }
  .proofs .number:empty, .proofs .number .soft { display: none; }
}
@media print {
  .skip { display: none; }
  body { background: #fff; }
}
"""
