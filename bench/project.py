"""A project of ten proofs that take CBMC some time, and the same proofs run by hand."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from bench.run import run
from demo import sources

PROOFS = 10
ENDS = ("cbmc", "property", "coverage")
"""The goals of a proof's Makefile that do what a job does."""
_BITS = 8  # about 15 seconds each
_HARNESS = """\
#include <assert.h>

unsigned nondet_unsigned(void);

void harness(void)
{{
  unsigned a = nondet_unsigned() & {mask}u, b = nondet_unsigned() & {mask}u;
  assert((a + b) * (a - b) + {number} == a * a - b * b + {number});
}}
"""
_MAKEFILE = "ENTRY = p{number}\nSOURCES =\ninclude ../Makefile.common\n"
_TOP = """\
PROOFS = {proofs}
all: $(PROOFS)
$(PROOFS):
\t$(MAKE) -C $@ {goals} > $@.log
.PHONY: all $(PROOFS)
"""
_HEADER = "/* Nothing is shared. */\n"


def write(folder: Path) -> str:
    """Write the project as a git repository; its commit."""
    group = folder / "cbmc" / "proofs"
    common = (sources.CHECKOUT / "examples/padmath/cbmc/proofs/Makefile.common").read_text()
    files = {"src/padmath.h": _HEADER, "cbmc/proofs/Makefile.common": common}
    names = [f"p{number}" for number in range(PROOFS)]
    top = _TOP.format(proofs=" ".join(names), goals=" ".join(ENDS))
    files["cbmc/proofs/Makefile"] = top
    for number, name in enumerate(names):
        files |= _proof(f"cbmc/proofs/{name}", number)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for name in names:
        subprocess.run(["make", "-s", "-C", str(group / name), "yaml"], check=True)
    return sources.commit(folder, "Ten proofs", branch="main")


def _proof(folder: str, number: int) -> dict[str, str]:
    mask = 2**_BITS - 1
    return {
        f"{folder}/p{number}_harness.c": _HARNESS.format(mask=mask, number=number),
        f"{folder}/Makefile": _MAKEFILE.format(number=number),
    }


def by_hand(folder: Path, environment: Mapping[str, str]) -> float:
    """Run all proofs with `make -j2`, as somebody at this machine would; the seconds it took."""
    proofs = folder / "cbmc" / "proofs"
    return run(["make", "-s", "-j2"], environment=environment, folder=proofs).seconds
