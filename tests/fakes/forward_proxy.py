# SPDX-License-Identifier: Apache-2.0
"""A forward proxy on this machine: it alone knows where some names are, wants a password, notes what was asked."""

from __future__ import annotations

import base64
import http.client
import select
import socket
import ssl
import threading
from abc import ABC, abstractmethod
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "anna", "proxy-canary-0123456789"
_LIMIT_S = 60
_HOP_HEADERS = frozenset({"connection", "proxy-authorization", "proxy-connection", "keep-alive", "transfer-encoding"})


@dataclass
class Proxy:
    """The proxy at work."""

    port: int
    seen: list[str] = field(default_factory=list[str])
    """`METHOD target` of everything that went through, of tunnels only their end."""
    refused: int = 0
    """Calls without the password."""

    @property
    def url(self) -> str:
        """As LONGTAKE_PROXY takes it."""
        return f"http://{USER}:{PASSWORD}@127.0.0.1:{self.port}"


@contextmanager
def forward_proxy(places: dict[str, int]) -> Generator[Proxy]:
    """The proxy; `places` are the local ports behind `host:port` names."""
    wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    class Handler(_Forwarder):
        def ask(self) -> None:
            if self.headers.get("proxy-authorization") != wanted:
                proxy.refused += 1
                self.send_error(407)
                return
            proxy.seen.append(f"{self.command} {self.path}")
            if self.command == "CONNECT":
                self.tunnel(places[self.path])
                return
            parts = urlsplit(self.path)
            self.forward(places[f"{parts.hostname}:{parts.port or 80}"], f"{parts.path}?{parts.query}".rstrip("?"))

        def tunnel(self, port: int) -> None:
            with socket.create_connection(("127.0.0.1", port), _LIMIT_S) as there:
                self.send_response(200, "Connection established")
                self.end_headers()
                ends = {self.connection: there, there: self.connection}
                while ready := select.select(list(ends), [], [], _LIMIT_S)[0]:
                    for end in ready:
                        data = end.recv(1 << 16)
                        if not data:
                            return
                        ends[end].sendall(data)

    with _served(Handler) as port:
        proxy = Proxy(port)
        yield proxy


@contextmanager
def tls_front(port_behind: int, folder: Path, host: str) -> Generator[tuple[int, Path]]:
    """A server that speaks TLS as `host` for one here that does not: its port, and what has to be trusted."""

    class Handler(_Forwarder):
        def ask(self) -> None:
            self.forward(port_behind, self.path)

    certificate, key = _certificate(folder, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with _served(Handler, context) as port:
        yield port, certificate


class _Forwarder(BaseHTTPRequestHandler, ABC):
    """Hands calls on to a port of this machine, one a connection."""

    timeout = _LIMIT_S

    @abstractmethod
    def ask(self) -> None:
        """Answer a GET or POST."""

    def do_GET(self) -> None:
        self.ask()

    def do_POST(self) -> None:
        self.ask()

    def do_CONNECT(self) -> None:
        self.ask()

    def forward(self, port: int, path: str) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_HEADERS}
        there = http.client.HTTPConnection("127.0.0.1", port, timeout=_LIMIT_S)
        try:
            there.request(self.command, path, body, headers)
            answer = there.getresponse()
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in _HOP_HEADERS:
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.read())
        finally:
            there.close()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Tests' output is no place for it."""


@contextmanager
def _served(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Generator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def _certificate(folder: Path, host: str) -> tuple[Path, Path]:
    """A certificate of its own for a host, and its key, each as a file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / "front.pem", folder / "front.key"
    paths[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths
