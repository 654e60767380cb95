"""``python -m tests.fuzz.child TARGET [libFuzzer arguments]``: one target, fuzzed in this process.

A process of its own, as libFuzzer ends its process and watches every import for coverage.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["prep_console.cuts"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    target, *arguments = sys.argv[1:]
    again = f"{sys.executable} -m tests.fuzz.child {target}"  # how a merge starts its own child
    atheris.Setup([again, *arguments], TARGETS[target])
    atheris.Fuzz()


if __name__ == "__main__":
    main()
