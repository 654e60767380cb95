"""Types that several threads read JSON into for the first time at once."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from prep_console import decoding

_MANY = """
import sys, threading, msgspec
from dataclasses import make_dataclass
from msgspec import defstruct

make = {"struct": defstruct, "dataclass": make_dataclass}[sys.argv[1]]
from prep_console.decoding import decode

sys.setswitchinterval(1e-6)
part = {f"a{n}": n for n in range(20)}
raw = msgspec.json.encode({f"f{n}": part for n in range(10)})
for round in range(300):
    inner = [make(f"In{n}", [(name, int) for name in part]) for n in range(10)]
    whole = make("Whole", [(f"f{n}", one) for n, one in enumerate(inner)])
    together, read = threading.Barrier(3), []

    def go():
        together.wait()
        read.append(decode(raw, whole))

    threads = [threading.Thread(target=go) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 3 and read[0] == read[1] == read[2], read
"""


@pytest.mark.parametrize("kind", ["struct", "dataclass"])
def test_a_type_that_three_threads_ask_for_at_once_ends_no_process(kind: str) -> None:
    """Without the lock one round in some hundred ends in SIGSEGV: in a process of its own."""
    done = subprocess.run([sys.executable, "-c", _MANY, kind], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_typed_reading_goes_this_way() -> None:
    sources = Path(decoding.__file__).parent.rglob("*.py")
    others = [
        p.name for p in sources if re.search(r"json\.decode\([^#\n]*type=", p.read_text("utf-8"))
    ]
    assert others == []
