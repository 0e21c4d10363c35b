# SPDX-License-Identifier: Apache-2.0
"""A whole server behind the operator's proxy, which alone can find its provider: plain calls, tunnels, the files."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.acceptance.conftest import ADMIN_KEY, Server, duration_s, run_longtake
from tests.fakes.forward_proxy import PASSWORD, forward_proxy, tls_front
from tests.fakes.upstream.process import KEY, RunningUpstream

MODEL = "grok-video-3"


def toml(base_url: str) -> str:
    return (
        f'[[providers]]\nname = "relay"\nkind = "unified"\nbase_url = "{base_url}/unified"\n'
        f'api_key_env = "RELAY_KEY"\nmodels = ["{MODEL}"]\n'
    )


def makes_and_extends(server: Server, folder: Path) -> None:
    body = {"model": MODEL, "prompt": "a cat", "duration": 6}
    made = server.wait(server.request("POST", "/v1/video/create", body).json["id"], 100)
    assert made["state"] == "succeeded", (made["error"], server.log.read_text()[-2000:])
    extension = {**body, "task_id": made["id"], "start_time": 1}
    longer = server.wait(server.request("POST", "/v1/video/extend", extension).json["id"], 100)
    assert (longer["state"], longer["metadata"]["mode"]) == ("succeeded", "native"), longer["error"]
    answer = server.request("GET", f"/v1/videos/{longer['id']}/content")
    path = folder / "longer.mp4"
    path.write_bytes(answer.body)
    assert duration_s(path) == pytest.approx(7, abs=0.2)


def port_of(upstream: RunningUpstream) -> int:
    return int(upstream.url.rpartition(":")[2])


def test_a_provider_that_only_the_proxy_can_find(serve, upstream, tmp_path):
    with forward_proxy({"provider.example:9000": port_of(upstream)}) as proxy:
        server = serve(toml("http://provider.example:9000"), environment={"LONGTAKE_PROXY": proxy.url})
        makes_and_extends(server, tmp_path)
        here = {"LONGTAKE_URL": server.url, "LONGTAKE_API_KEY": ADMIN_KEY}
        assert run_longtake("providers", "test", "relay", environment=here).returncode == 0
        calls = {call.partition("?")[0] for call in proxy.seen}
        base = "http://provider.example:9000"
        assert {f"POST {base}/unified/v1/video/create", f"POST {base}/unified/v1/video/extend"} <= calls
        assert any(call.startswith(f"GET {base}/files/") for call in calls), "the files come through it, too"
        assert proxy.refused == 0
        assert upstream.seen()["leaks"] == []
    log = server.log.read_text()
    assert (PASSWORD in log, KEY in log) == (False, False)


def test_a_provider_behind_tls_is_reached_through_a_tunnel(serve, upstream, tmp_path):
    """What is in the tunnel the proxy never sees; the file is fetched at the provider, with the key."""
    upstream.set(style="content")
    with (
        tls_front(port_of(upstream), tmp_path, "provider.example") as (port, trusted),
        forward_proxy({"provider.example:443": port}) as proxy,
    ):
        environment = {"LONGTAKE_PROXY": proxy.url, "SSL_CERT_FILE": str(trusted)}
        makes_and_extends(serve(toml("https://provider.example"), environment=environment), tmp_path)
        assert set(proxy.seen) == {"CONNECT provider.example:443"}
        assert proxy.refused == 0


def test_without_the_proxy_nothing_goes_out(serve, upstream):
    with forward_proxy({}) as proxy:
        proxy_url = proxy.url
    server = serve(toml("http://provider.example:9000"), environment={"LONGTAKE_PROXY": proxy_url})
    tried = server.request("POST", "/v1/providers/relay/test").json
    assert (tried["works"], "LONGTAKE_PROXY" in tried["said"], PASSWORD in str(tried)) == (False, True, False)
