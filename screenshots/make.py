"""``python screenshots/make.py [NAME ...]``: take the pictures of the README anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

raise SystemExit(
    subprocess.call(
        [sys.executable, "-m", "tests.pictures", *sys.argv[1:]], cwd=Path(__file__).parents[1]
    )
)
