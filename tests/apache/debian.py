"""The printed vhost inside Debian's own Apache settings, with more modules than any site needs.

Debian's files are used as they lie in /etc/apache2; only ports, folders of logs and pid, and the
certificate's place are ours. Handlers and filters that a careless neighbour could have enabled
for the whole server are switched on, for the vhost must hold against them.
"""

from __future__ import annotations

import os
from pathlib import Path

import trustme

from prep_console.config import Settings
from prep_console.drill.children import free_port
from prep_console.publication.apache import vhost
from tests.apache.server import Apache

ETC = Path("/etc/apache2")
NEEDED = ("ssl", "http2", "rewrite", "headers", "socache_shmcb")
GUARDS = {"evasive", "security2"}
"""They refuse by themselves what the vhost is asked here; the probes of protection try them."""
CARELESS = ("include", "cgid", "actions", "brotli", "expires", "userdir", "info", "speling")

_SETTINGS = """
ServerRoot "{etc}"
ServerName localhost
DefaultRuntimeDir "{into}"
PidFile "{into}/httpd.pid"
Mutex "fcntl:{into}" default
User www-data
Group www-data
ErrorLog "{into}/error.log"
LogLevel warn
{modules}
{own}
<Directory />
    Options FollowSymLinks
    AllowOverride All
    AcceptPathInfo On
    Require all denied
</Directory>
AccessFileName .htaccess
<FilesMatch "^\\.ht">
    Require all denied
</FilesMatch>
LogFormat "%v:%p %h %l %u %t \\"%r\\" %>s %O" vhost_combined
IncludeOptional conf-enabled/*.conf

# A careless neighbour.
AddHandler cgi-script .cgi .pl
AddHandler type-map .var
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
AddEncoding x-gzip .gz .tgz
AddEncoding x-compress .Z
AddDefaultCharset ISO-8859-1
AddOutputFilterByType DEFLATE text/html text/plain text/csv application/json
Action application/x-httpd-php /cgi-bin/php
AddHandler application/x-httpd-php .php
ExpiresActive On
ExpiresDefault "access plus 1 hour"
Header always set X-Frame-Options DENY
Header set X-Frame-Options SAMEORIGIN
Header set Cache-Control "max-age=600"
DirectorySlash Off
ErrorDocument 403 /pagina.html
ErrorDocument 404 /pagina.html
<Location "/server-info">
    SetHandler server-info
</Location>

Listen 127.0.0.1:{plain}
Listen 127.0.0.1:{tls} https
"""


class DebianApache(Apache):
    """The vhost for ``settings``: ``port`` speaks TLS, ``plain_port`` does not."""

    def __init__(self, settings: Settings, into: Path) -> None:
        super().__init__(settings, into, tls=True)
        self.plain_port = free_port()
        loaded = {path.stem for path in (ETC / "mods-enabled").glob("*.load")}
        own = "\n".join(
            f'IncludeOptional "{ETC}/mods-available/{name}.{kind}"'
            for kind in ("load", "conf")
            for name in (*NEEDED, *CARELESS)
            if name not in loaded
        )
        enabled = "\n".join(
            f'IncludeOptional "{ETC}/mods-enabled/{name}.{kind}"'
            for kind in ("load", "conf")
            for name in sorted(loaded - GUARDS)
        )
        ours = _SETTINGS.format(
            etc=ETC, into=into, modules=enabled, own=own, plain=self.plain_port, tls=self.port
        )
        printed = vhost(settings)
        assert "prep.example.mx" in printed
        live = into / "live" / "prep.example.mx"
        live.mkdir(parents=True)
        issuer = trustme.CA()
        certificate = issuer.issue_cert("prep.example.mx", "127.0.0.1", "localhost")
        issuer.cert_pem.write_to_path(into / "certificate.pem")
        certificate.private_key_pem.write_to_path(live / "privkey.pem")
        for part in certificate.cert_chain_pems:
            part.write_to_path(live / "fullchain.pem", append=True)
        printed = (
            printed.replace("/etc/letsencrypt/live", str(into / "live"))
            .replace("*:80>", f"127.0.0.1:{self.plain_port}>")
            .replace("*:443>", f"127.0.0.1:{self.port}>")
        )
        (into / "prep.conf").write_text(printed)
        self.conf.write_text(f'{ours}\nInclude "{into}/prep.conf"\n')
        self.environment = os.environ | {
            "APACHE_RUN_DIR": str(into),
            "APACHE_LOCK_DIR": str(into),
            "APACHE_LOG_DIR": str(into),
            "APACHE_PID_FILE": str(into / "httpd.pid"),
            "APACHE_RUN_USER": "www-data",
            "APACHE_RUN_GROUP": "www-data",
        }
