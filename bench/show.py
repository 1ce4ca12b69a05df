"""The table."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench.results import Results, Row, Series

_MARKS = {True: "[green]yes[/green]", False: "[red]no[/red]", None: ""}


def show(results: Results, console: Console) -> None:
    """Print all rows, and loudly what could not be measured."""
    table = Table(title="Padstone beside the alternative (medians)", title_justify="left")
    for name in ("case", "what", "Padstone", "other tool", "ratio", "bar", "met"):
        right = name in {"Padstone", "ratio", "bar"}
        table.add_column(name, justify="right" if right else "left", no_wrap=name != "what")
    before = ""
    for row in results.rows:
        if before and row.case != before:
            table.add_section()
        table.add_row(row.case if row.case != before else "", *_cells(row))
        before = row.case
    console.print(table)
    for name, why in results.missing.items():
        console.print(f"[bold red]NOT MEASURED[/bold red] {name}: {why}", highlight=False)


def _cells(row: Row) -> list[str]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
    note = f"\n[dim]{row.note}[/dim]" if row.note else ""
    return [
        row.what + note,
        _quantity(row.ours, row.unit),
        f"{row.theirs.tool}: {_quantity(row.theirs, row.unit)}" if row.theirs else "",
        ratio,
        _bar(row),
        _MARKS[row.holds],
    ]


def _quantity(one: Series, unit: str) -> str:
    return f"{_number(one.median)} {unit}"


def _bar(row: Row) -> str:
    if row.at_most is None:
        return ""
    unit = "" if row.ratio is not None else f" {row.unit}"
    return f"≤ {row.at_most:.3g}{unit}"


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
