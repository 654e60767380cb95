"""The settings of the web server: a vhost for the real one, and a whole private Apache.

The rules that decide what the public gets stand once, in ``templates/site.conf``; the vhost and
the private Apache (tests, demo) differ only in what lies around them. Every value that comes from
the settings is checked here before it enters, so that none can add a directive of its own.
"""

from __future__ import annotations

import ipaddress
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

from prep_console.config import Settings
from prep_console.problems import Failed, WrongUsage
from prep_console.publication import estado_page, pointer
from prep_console.wording import N_, sentence, visible

STATUS_NAME = "server-status"
"""mod_status, under the reserved prefix and for loopback only: ``<estado_prefix>server-status``."""

_TEMPLATES = Path(__file__).parent / "templates"
_PLACEHOLDER_HOST = "prep.example.mx"

_MODULES_FOLDERS = (
    Path("/usr/lib/apache2/modules"),  # Debian, Ubuntu
    Path("/usr/lib64/httpd/modules"),  # Fedora, RHEL
    Path("/usr/lib/httpd/modules"),  # Arch
)
_MODULES = [
    "mpm_event",
    "authz_core",
    "authz_host",
    "dir",
    "mime",
    "rewrite",
    "headers",
    "reqtimeout",
    "setenvif",
    "status",
]
_MODULES_OFTEN_BUILT_IN = ("unixd", "log_config", "version")
_MODULES_FOR_TLS = ("ssl", "http2")
_WEB_USERS = ("www-data", "apache", "http", "nobody")

# What no path may hold: it would end a quoted word, name a variable or be a pattern to Apache.
_SAFE_PATH = re.compile(r"/[\w/.,@+=:~ -]*")
_SAFE_PREFIX = re.compile(r"/(?:[A-Za-z0-9_~-][A-Za-z0-9._~-]*/)+")
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_SAFE_HOST = re.compile(_HOST)
_SAFE_ORIGIN = re.compile(
    rf"'self'|\*|https?:|(?:https?://)?(?:\*\.)?{_HOST}(?::(?:\d{{1,5}}|\*))?", re.ASCII
)
_LISTEN = re.compile(r"(?:(\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:.]+\]):)(\d{1,5})", re.ASCII)


class _Text(Template):
    """A settings file with ``@{name}`` for what we fill in: ``$`` and ``%`` are Apache's own."""

    delimiter = "@"


def find_apache() -> Path | None:
    """The Apache of this machine, also when /usr/sbin is not on the PATH; None without one."""
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/usr/local/sbin"
    for name in ("apache2", "httpd"):
        found = shutil.which(name, path=path)
        if found is not None:
            return Path(found)
    return None


def vhost(settings: Settings) -> str:
    """The virtual hosts for a real Apache: port 80 sends on to 443, which serves the site.

    WrongUsage when a setting cannot be written into Apache's settings.
    """
    host = _host(settings) or _PLACEHOLDER_HOST
    return _filled(
        "vhost.conf",
        station=visible(settings.station.name),  # a line break would end its comment
        host=host,
        tls=_filled("tls.conf"),
        cuts=_quotable(settings.root / "cuts"),
        public=_quotable(settings.root / "public"),
        error_log="${APACHE_LOG_DIR}/prep_error.log",
        site=_site(settings, access_log="${APACHE_LOG_DIR}/prep_access.log"),
    )


def standalone(settings: Settings, into: Path, listen: str, *, tls: bool) -> Path:
    """Write a private Apache for the station into ``into``; returns its ``httpd.conf``.

    ``listen`` is ``ADDRESS:PORT``. Started by root, its children run as the station's owner, or
    as www-data when root owns the station (Apache serves nothing as root). With ``tls`` it gets
    a self-made certificate, ``certificate.pem``, good for localhost and that address.

    WrongUsage for a setting or path that Apache cannot take, Failed when Apache or a module is
    missing or its children could not read the station.
    """
    address, port = _listen(listen)
    into = into.resolve()
    root = settings.root.resolve()
    apache = find_apache()
    folder = next((f for f in _MODULES_FOLDERS if f.is_dir()), None)
    if apache is None or folder is None:
        raise Failed(
            sentence(N_("This machine has no Apache.")),
            sentence(N_("Install it: sudo apt-get install apache2")),
        )
    name = _host(settings) or "localhost"
    values = {
        "station": visible(settings.station.name),
        "apache": str(apache),
        "into": _quotable(into),
        "name": name,
        "listen": f"{address}:{port}",
        "modules": _load_modules(folder, tls=tls),
        "tls": "",
        "types": "/etc/mime.types" if Path("/etc/mime.types").exists() else os.devnull,
        "site": _site(settings, access_log=_quotable(into / "access.log")),
    }
    into.mkdir(parents=True, exist_ok=True)
    _make_map(root)
    values["identity"] = _identity(root)
    if tls:
        _make_certificate(into, name, address.strip("[]"))
        values["tls"] = (
            f'    SSLEngine On\n    SSLCertificateFile "{into}/certificate.pem"\n'
            f'    SSLCertificateKeyFile "{into}/key.pem"\n{_filled("tls.conf")}'
        )
    written = into / "httpd.conf"
    written.write_text(_filled("standalone.conf", **values), encoding="utf-8")
    return written


def _site(settings: Settings, *, access_log: str) -> str:
    root = settings.root.resolve()
    prefix = settings.publication.estado_prefix
    if not _SAFE_PREFIX.fullmatch(prefix):
        raise WrongUsage(
            sentence(
                N_("publication.estado_prefix cannot be a reserved address: {prefix}"),
                prefix=prefix,
            ),
            sentence(N_("Write it as in /_prep/: letters, digits and -._~ between two slashes.")),
        )
    simulacro = settings.station.phase == "simulacro"
    return _filled(
        "site.conf",
        root=_quotable(root),
        cuts=_quotable(f"{root}/cuts"),
        public=_quotable(f"{root}/public"),
        prefix=prefix,
        prefix_re=re.escape(prefix),
        frame_ancestors=" ".join(_origins(settings.publication.frame_ancestors)),
        phase='    Header always set X-Prep-Phase "simulacro"' if simulacro else "",
        access_log=access_log,
        nothing_live=_told(estado_page.nothing_live(settings)),
    )


def _told(page: str) -> str:
    r"""``page`` as an ErrorDocument takes it: no variable of ours may begin in it.

    Names and titles come from the settings: ``%{`` would be an expression, ``${`` a definition,
    a backslash an escape.
    """
    for sign in "%$\\":
        page = page.replace(sign, f"&#{ord(sign)};")
    return page


def _host(settings: Settings) -> str:
    """The public name of the site, '' when the settings have none."""
    url = settings.site.url
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        host = "?"
    if url and not _SAFE_HOST.fullmatch(host) and not _is_address(host):
        raise WrongUsage(
            sentence(N_("site.url names no host that a web server can have: {url}"), url=url),
            sentence(N_("Write it as in https://prep.example.mx/; a name with accents as xn--….")),
        )
    return "" if _is_address(host) else host


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _origins(origins: Iterable[str]) -> list[str]:
    """The portals as CSP sources; every one may embed when none is named."""
    named = []
    for origin in origins:
        source = origin.rstrip("/") if origin.endswith("/") else origin
        if not _SAFE_ORIGIN.fullmatch(source):
            raise WrongUsage(
                sentence(
                    N_("publication.frame_ancestors names no origin: {origin}"), origin=origin
                ),
                sentence(N_("Write it as in https://portal.example.mx, without a path.")),
            )
        named.append(source)
    return ["'self'", *named] if named else ["*"]


def _quotable(path: Path | str) -> str:
    """``path`` as it may stand between quotes in Apache's settings."""
    text = os.fspath(path)
    if not _SAFE_PATH.fullmatch(text):
        wrong = next((c for c in text if not re.fullmatch(r"[\w/.,@+=:~ -]", c)), text)
        raise WrongUsage(
            sentence(
                N_("The path {path} cannot be written into Apache's settings because of {wrong}."),
                path=text,
                wrong=wrong,
            ),
            sentence(N_("Use an absolute path of letters, digits, spaces and -_.,@+=:~ only.")),
        )
    return text


def _filled(template: str, **values: str) -> str:
    return _Text((_TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)


def _listen(listen: str) -> tuple[str, int]:
    match = _LISTEN.fullmatch(listen)
    if match is None or not 0 < int(match[2]) < 65536:
        raise WrongUsage(
            sentence(N_("This is no address and port to listen on: {listen}"), listen=listen),
            sentence(N_("Write it as in 127.0.0.1:8443.")),
        )
    return match[1], int(match[2])


def _load_modules(folder: Path, *, tls: bool) -> str:
    needed = [*_MODULES, *(_MODULES_FOR_TLS if tls else ())]
    missing = [name for name in needed if not (folder / f"mod_{name}.so").exists()]
    if missing:
        raise Failed(
            sentence(N_("This Apache lacks modules: {modules}"), modules=", ".join(missing)),
            sentence(N_("Install them; Debian's package apache2 has them all.")),
        )
    loose = [n for n in _MODULES_OFTEN_BUILT_IN if (folder / f"mod_{n}.so").exists()]
    return "\n".join(
        f'LoadModule {name}_module "{folder}/mod_{name}.so"' for name in [*loose, *needed]
    )


def _make_map(root: Path) -> None:
    """Apache starts only with its map there: on a station that never acted, nothing is live."""
    public = root / "public"
    if (public / "live.map").exists():
        return
    public.mkdir(parents=True, exist_ok=True)
    pointer.write(public, pointer.Live(None, 0))
    if os.geteuid() == 0:  # or the station's own user could never overwrite it
        owner = root.stat()
        for made in (public, public / "live.map"):
            os.chown(made, owner.st_uid, owner.st_gid)


def _identity(root: Path) -> str:
    """``User`` and ``Group`` lines; they count only when root starts Apache.

    The station's owner can read it. Root cannot be that owner: Apache is built to refuse it
    (BIG_SECURITY_HOLE), so the children are www-data, who must be let in.
    """
    owner = root.stat().st_uid
    if owner != 0:
        user = _user(owner)
    else:
        user = next((u for u in map(_user, _WEB_USERS) if u is not None), None)
        if user is not None and os.geteuid() == 0:
            let_in(user, root)
    if user is None:
        return f"User #{owner}"
    return f"User {user.pw_name}\nGroup #{user.pw_gid}"


def _user(known_by: str | int) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwuid(known_by) if isinstance(known_by, int) else pwd.getpwnam(known_by)
    except KeyError:
        return None


def let_in(user: pwd.struct_passwd, root: Path) -> None:
    """See that ``user`` can walk down to what is public.

    Scratch folders below the temporary one (tests, demo) are born closed to all others: those are
    opened for passing through, not for listing. Anywhere else closing may be meant: Failed.
    """
    scratch = Path(tempfile.gettempdir()).resolve()
    public = root / "public"
    for folder in (*reversed(root.parents), root, public, root / "cuts"):
        if not folder.exists() or _may_pass(user, folder):
            continue
        real = folder.resolve()
        if not real.is_relative_to(scratch) or real == scratch:
            raise Failed(
                sentence(
                    N_("Apache, as user {user}, could not enter {folder}."),
                    user=user.pw_name,
                    folder=str(folder),
                ),
                sentence(
                    N_(
                        "Let it pass: chmod o+x {folder}; or give the station to a user of its own."
                    ),
                    folder=str(folder),
                ),
            )
        folder.chmod(folder.stat().st_mode | stat.S_IXOTH)


def _may_pass(user: pwd.struct_passwd, folder: Path) -> bool:
    status = folder.stat()
    if status.st_uid == user.pw_uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid in os.getgrouplist(user.pw_name, user.pw_gid):
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def _make_certificate(into: Path, name: str, address: str) -> None:
    """A self-made certificate for loopback; the key is readable by its owner only."""
    key = into / "key.pem"
    key.touch(mode=0o600)
    key.chmod(0o600)
    names = f"subjectAltName=DNS:localhost,DNS:{name},IP:{address}"
    command = ["openssl", "req", "-x509", "-nodes", "-days", "825", "-newkey", "ec"]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={name}"]
    command += ["-addext", names, "-keyout", str(key), "-out", str(into / "certificate.pem")]
    try:
        made = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired) as error:
        raise _no_certificate(str(error)) from error
    if made.returncode != 0:
        raise _no_certificate(made.stderr.strip())


def _no_certificate(why: str) -> Failed:
    return Failed(
        sentence(N_("openssl could not make a certificate: {why}"), why=why),
        sentence(N_("Install openssl, or use --no-tls.")),
    )
