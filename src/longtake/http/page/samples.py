# SPDX-License-Identifier: Apache-2.0
"""A request as a program that can be copied and run: curl, JavaScript (fetch), Python (http.client).

static/samples.js writes the same texts in the browser while a form is filled in; a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from longtake.http.describe.terms import Json

KEY_WORD = "YOUR_API_KEY"
"""Stands for the reader's key in every sample; copying puts the key in its place."""

FILE_NAME = "cat.mp4"


@dataclass(frozen=True, slots=True)
class Origin:
    """The server's address in the pieces that samples need."""

    base: str
    """Scheme, host and path prefix, without a final slash."""
    connection: str
    """The class of http.client that speaks the scheme."""
    authority: str
    prefix: str

    @classmethod
    def of(cls, base: str) -> Origin:
        """Take an absolute URL apart."""
        scheme, _, rest = base.partition("://")
        authority, slash, path = rest.partition("/")
        connection = "HTTPSConnection" if scheme == "https" else "HTTPConnection"
        return cls(base, connection, authority, f"{slash}{path}".rstrip("/"))


ADDRESS = Origin("@BASE@", "@CONNECTION@", "@AUTHORITY@", "@PREFIX@")
"""Stands in texts that are written before the reader's address is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request with its values filled in."""

    method: str
    path: str
    path_values: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, Json] | None = None
    file_field: str = ""
    """Sent as a form with a file in this field, in place of a JSON body."""
    saves: str = ""
    """The answer is bytes, which are saved under this name."""
    streams: bool = False
    """The answer comes piece by piece."""
    needs_key: bool = True

    @property
    def target(self) -> str:
        """Path and query."""
        path = self.path
        for name, value in self.path_values.items():
            path = path.replace(f"{{{name}}}", quote(value, safe=":"))
        return f"{path}?{urlencode(self.query, safe=':', quote_via=quote)}" if self.query else path

    @property
    def all_headers(self) -> dict[str, str]:
        """With the key and the content type."""
        headers = {"Authorization": f"Bearer {KEY_WORD}"} if self.needs_key else {}
        if self.body is not None:
            headers["Content-Type"] = "application/json"
        return headers | dict(self.headers)


def curl(request: Request, origin: Origin) -> str:
    """For a shell."""
    parts = [f"curl {'-N ' if request.streams else ''}{_shell(origin.base + request.target)}"]
    if request.method not in {"GET", "POST"} or (request.method == "POST" and not _has_content(request)):
        parts.append(f"-X {request.method}")
    parts += [f"-H {_shell(f'{name}: {value}')}" for name, value in request.all_headers.items()]
    if request.file_field:
        parts.append(f"-F {_shell(f'{request.file_field}=@{FILE_NAME}')}")
    elif request.body is not None:
        parts.append(f"-d {_shell(_json(request.body))}")
    if request.saves:
        parts.append(f"-o {_shell(request.saves)}")
    return " \\\n  ".join(parts)


def javascript(request: Request, origin: Origin) -> str:
    """For browsers and Node."""
    options = [f'method: "{request.method}"'] if request.method != "GET" else []
    if request.all_headers:
        options.append(f"headers: {_indented(_json(request.all_headers))}")
    if request.file_field:
        options.append("body: form")
    elif request.body is not None:
        options.append(f"body: JSON.stringify({_indented(_json(request.body))})")
    asked = f"fetch({_json(origin.base + request.target)}"
    if options:
        asked += ", {\n  " + ",\n  ".join(options) + "\n}"
    lines = f"{asked})\n"
    if request.saves:
        lines += "  .then(response => response.blob())\n  .then(blob => console.log(blob.type, blob.size))\n"
    else:
        lines += "  .then(response => response.text())\n  .then(text => console.log(text))\n"
    lines += "  .catch(error => console.error(error));"
    if request.file_field:
        # Node reads the file from the folder; a page would take it from a file input.
        lines = (
            'import("node:fs").then(async fs => {\n'
            "const form = new FormData();\n"
            f'form.append({_json(request.file_field)}, await fs.openAsBlob("{FILE_NAME}"), "{FILE_NAME}");\n'
            f"{lines}\n}});"
        )
    return lines


def python(request: Request, origin: Origin) -> str:
    """For Python, with nothing but its standard library."""
    headers = request.all_headers
    lines = ["import http.client"]
    body = ""
    if request.file_field:
        headers["Content-Type"] = "multipart/form-data; boundary=cut-here"
        head = f'Content-Disposition: form-data; name="{request.file_field}"; filename="{FILE_NAME}"'
        body = "body"
        lines += [
            "",
            f"head = '--cut-here\\r\\n{head}\\r\\n\\r\\n'",
            f'body = head.encode() + open("{FILE_NAME}", "rb").read() + b"\\r\\n--cut-here--\\r\\n"',
        ]
    elif request.body is not None:
        body = "body"
        lines += ["import json", "", f"body = json.dumps({_python(dict(request.body))})"]
    else:
        lines.append("")
    if headers:
        lines.append(f"headers = {_python({**headers})}")
    handed = ", ".join(
        [_json(request.method), _json(origin.prefix + request.target)]
        + ([body] if body else [])
        + ([] if not headers else ["headers" if body else "headers=headers"])
    )
    lines += [
        f"connection = http.client.{origin.connection}({_json(origin.authority)})",
        f"connection.request({handed})",
        "response = connection.getresponse()",
    ]
    if request.saves:
        lines.append(f'open({_json(request.saves)}, "wb").write(response.read())')
    else:
        lines.append("print(response.read().decode())")
    return "\n".join(lines)


LANGUAGES: Mapping[str, tuple[str, Callable[[Request, Origin], str]]] = {
    "curl": ("curl", curl),
    "javascript": ("JavaScript", javascript),
    "python": ("Python", python),
}
"""The samples of every request, by the name in the page's markup: what people call it, and who writes it."""


def _has_content(request: Request) -> bool:
    return request.body is not None or bool(request.file_field)


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


def _indented(text: str) -> str:
    return text.replace("\n", "\n  ")


def _python(value: Json, indent: str = "") -> str:
    """A JSON value as a Python literal."""
    deeper = f"{indent}    "
    if isinstance(value, dict) and value:
        items = [f"{deeper}{_json(name)}: {_python(item, deeper)}" for name, item in value.items()]
        return "{\n" + ",\n".join(items) + f"\n{indent}}}"
    if isinstance(value, list) and value:
        return "[\n" + ",\n".join(f"{deeper}{_python(item, deeper)}" for item in value) + f"\n{indent}]"
    if value is None or isinstance(value, bool):
        return str(value)
    return _json(value)
