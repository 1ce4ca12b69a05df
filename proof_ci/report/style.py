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
  font: .9375rem/1.45 system-ui, -apple-system, "Segoe UI", "Open Sans", Roboto, sans-serif; }
main { max-width: 80rem; margin: 0 auto; padding: 1.75rem 1.5rem 4rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .2rem; font-weight: 650;
  overflow-wrap: anywhere; }
h2 { font-size: 1.05rem; margin: 1.75rem 0 .6rem; font-weight: 650; overflow-wrap: anywhere; }
p { margin: .2rem 0; overflow-wrap: anywhere; }
a { color: var(--link); text-underline-offset: .15em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
a:focus-visible, .scroll:focus-visible { outline: 3px solid var(--link); outline-offset: 2px;
  border-radius: 3px; }
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: .875em; }
.over { color: var(--soft); margin-bottom: .75rem; }
.skip { position: absolute; left: -99rem; }
.skip:focus { left: 1rem; top: .5rem; background: var(--card); padding: .25rem .5rem; }
.summary { border: 1px solid var(--line); border-left: .35rem solid var(--quiet); background:
  var(--card); border-radius: .4rem; padding: .8rem 1.1rem; margin: .9rem 0 1.25rem; }
.summary.good { border-left-color: var(--good); }
.summary.bad { border-left-color: var(--bad); }
.summary.warn { border-left-color: var(--warn); }
.summary p:first-child { display: flex; flex-wrap: wrap; gap: .3rem .75rem;
  align-items: baseline; }
.summary strong { font-size: 1.1rem; font-weight: 600; overflow-wrap: anywhere; min-width: 0; }
.summary strong a { color: inherit; }
.summary .soft { margin-top: .35rem; }
progress { display: block; width: 100%; max-width: 24rem; height: .6rem; margin: .5rem 0;
  accent-color: var(--link); }
.say code { user-select: all; background: var(--quiet-ground); padding: .1rem .35rem;
  border-radius: .2rem; }
dl { margin: .5rem 0; }
dd { margin: 0; overflow-wrap: anywhere; min-width: 0; }
dt { color: var(--soft); overflow-wrap: anywhere; min-width: 0; }
dl > div { display: grid; grid-template-columns: 8rem minmax(0, 1fr); gap: .15rem 1rem;
  padding: .15rem 0; }
.changes > div { grid-template-columns: 11rem minmax(0, 1fr); }
.changes ul { list-style: none; padding: 0; margin: 0; }
.changes li { display: inline-block; margin-right: 1.1rem; max-width: 100%; }
.wide { columns: 2; column-gap: 2rem; }
.wide > div { break-inside: avoid; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem;
  margin: 1rem 0; }
.figures > div { display: block; background: var(--card); border: 1px solid var(--line);
  border-radius: .4rem; padding: .5rem .8rem; }
.figures dd { font-size: 1.1rem; font-variant-numeric: tabular-nums; }
table { border-collapse: collapse; width: 100%; background: var(--card); }
.scroll { overflow-x: auto; border: 1px solid var(--line); border-radius: .4rem; }
caption { text-align: left; color: var(--soft); padding: .55rem .8rem; font-size: .875rem; }
th, td { text-align: left; vertical-align: baseline; padding: .4rem .8rem;
  border-top: 1px solid var(--line); }
thead th { color: var(--soft); font-weight: 600; font-size: .875rem; white-space: nowrap; }
tbody th { font-weight: 500; overflow-wrap: anywhere; }
.proofs th[scope=row] { min-width: 12rem; width: 36%; }
.proofs td:not(.number) { overflow-wrap: anywhere; min-width: 12rem; }
.proofs [data-name=Time] .note { white-space: normal; }
.group th { background: var(--quiet-ground); font-size: .875rem; font-weight: 650; }
tr, h2 { scroll-margin-top: 3rem; }
tbody tr:target { background: var(--quiet-ground); outline: 2px solid var(--link);
  outline-offset: -2px; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.note { display: block; color: var(--soft); font-size: .875rem; font-weight: 400; }
.soft { color: var(--soft); font-size: .875rem; font-weight: 400; }
.badge { display: inline-block; border-radius: 1rem; padding: 0 .6rem; font-size: .875rem;
  font-weight: 600; white-space: nowrap; color: var(--quiet); background: var(--quiet-ground); }
.badge.good { color: var(--good); background: var(--good-ground); }
.badge.bad { color: var(--bad); background: var(--bad-ground); }
.badge.warn { color: var(--warn); background: var(--warn-ground); }
.badge.plain { background: none; padding: 0; }
.aside { display: inline-block; font-size: .875rem; color: var(--soft); }
td > .badge, .aside { margin-right: .6rem; }
.aside.good, .note.good { color: var(--good); }
.aside.bad, .note.bad { color: var(--bad); }
.aside.warn, .note.warn, .warning { color: var(--warn); }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .4rem;
  padding: .7rem 1rem; margin: .5rem 0; overflow-x: auto; white-space: pre-wrap;
  overflow-wrap: anywhere; line-height: 1.45; }
.files { columns: 20rem 3; }
.phases th[scope=row] { width: 25%; }
ul { padding-left: 1.25rem; margin: .4rem 0; overflow-wrap: anywhere; }
@media (min-width: 62rem) {
  .proofs { border: 1px solid var(--line); border-radius: .4rem; }
  .proofs caption { padding: 0 0 .5rem; }
  .framed { overflow: visible; border: 0; }
  .framed thead th { position: sticky; top: 0; background: var(--card); z-index: 1;
    box-shadow: 0 1px var(--line); }
}
@media (max-width: 62rem) {
  table { font-size: .9375em; }
  th, td { padding: .4rem .5rem; }
  .proofs th[scope=row] { min-width: 9rem; width: 30%; }
  .proofs td:not(.number) { min-width: 9rem; }
  .proofs .number .soft { display: none; }
}
@media (max-width: 46rem) {
  main { padding: 1.1rem 1rem 3rem; }
  h1 { font-size: 1.3rem; }
  .wide { columns: auto; }
  dl > div { grid-template-columns: 6.5rem minmax(0, 1fr); }
  .changes > div { grid-template-columns: minmax(0, 1fr); padding: .3rem 0; }
  table { font-size: 1em; }
  thead { position: absolute; left: -99rem; }
  table, tbody, caption { display: block; }
  tr { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr);
    gap: .1rem 1rem; padding: .6rem 1rem; border-top: 1px solid var(--line); }
  tr.group { padding: .3rem 1rem; background: var(--quiet-ground); }
  .scroll tr > :is(th[scope], td) { display: block; border: 0; padding: 0; text-align: left;
    width: auto; }
  .proofs tr > :is(th[scope], td:not(.number)), .phases th[scope] { min-width: 0;
    grid-column: 1 / -1; }
  .number { white-space: normal; }
  td[data-name]::before { content: attr(data-name) "\\a0"; color: var(--soft);
    font-size: .875rem; }
  .scroll tr > td:empty { display: none; }
}
@media print {
  :root { --ground: #fff; --card: #fff; --ink: #000; --soft: #444; --line: #bbb; --link: #000;
    --good: #14692f; --bad: #b3261e; --warn: #8a4b00; --quiet: #444; --good-ground: #fff;
    --bad-ground: #fff; --warn-ground: #fff; --quiet-ground: #f2f2f2; color-scheme: light; }
  html { font-size: 10.5pt; }
  .badge { padding: 0; }
  main { max-width: none; padding: 0; }
  .skip { display: none; }
  .scroll { overflow: visible; border: 0; }
  tr, .summary, dl > div { break-inside: avoid; }
  h2 { break-after: avoid; }
  thead { display: table-header-group; }
}
"""
