"""A certificate authority of a rehearsal's own: certificates for loopback that end when told to."""

from __future__ import annotations

import subprocess
from pathlib import Path

from prep_console.problems import Failed
from prep_console.wording import N_, sentence

LONG_DAYS = 365
_CURVE = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


class Authority:
    """Made in ``folder``; trusted by whoever is given :attr:`file`. Failed without openssl."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.file = folder / "authority.pem"
        self._key = folder / "authority.key"
        folder.mkdir(parents=True, exist_ok=True)
        self._private(self._key)
        _openssl(
            "req", "-x509", *_CURVE, "-days", str(LONG_DAYS), "-subj", "/CN=SIMULACRO",
            "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign",
            "-keyout", str(self._key), "-out", str(self.file),
        )  # fmt: skip

    def issue(self, into: Path, days: int) -> None:
        """``certificate.pem`` and ``key.pem`` in ``into``, good for loopback and ``days`` more."""
        request, names = self._folder / "request.pem", self._folder / "names.cnf"
        names.write_text(
            "subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n", "ascii"
        )
        into.mkdir(parents=True, exist_ok=True)
        key = into / "key.pem"
        self._private(key)
        _openssl(
            "req", "-new", *_CURVE, "-subj", "/CN=localhost",
            "-keyout", str(key), "-out", str(request),
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(self.file), "-CAkey", str(self._key),
            "-CAcreateserial", "-days", str(days), "-extfile", str(names),
            "-out", str(into / "certificate.pem"),
        )  # fmt: skip

    @staticmethod
    def _private(path: Path) -> None:
        path.touch(mode=0o600)
        path.chmod(0o600)


def _openssl(*arguments: str) -> None:
    try:
        made = subprocess.run(
            ["openssl", *arguments], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise _failed(str(error)) from error
    if made.returncode:
        raise _failed(made.stderr.strip()[-300:])


def _failed(why: str) -> Failed:
    return Failed(
        sentence(N_("openssl could not make a certificate: {why}"), why=why),
        sentence(N_("install openssl, or choose another scenario")),
    )
