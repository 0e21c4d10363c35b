# SPDX-License-Identifier: Apache-2.0
"""Links of ours for makers that fetch their inputs: good for one job while it runs, and for nothing else."""

from __future__ import annotations

import os
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from tests.acceptance.conftest import Json, Server
from tests.acceptance.test_provider_walks import (
    FPS,
    create,
    done,
    extend,
    facts_of,
    foreign_clip,
    save,
    step_reached,
)
from tests.fakes.upstream.process import RunningUpstream

LinkServer = Callable[..., Server]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def toml(url: str, kind: str, **models: str) -> str:
    named = ", ".join(f'"{ours}" = "{theirs}"' for ours, theirs in models.items())
    return (
        f'[[providers]]\nname = "{kind}"\nkind = "{kind}"\nbase_url = "{url}/{kind}"\napi_key_env = "RELAY_KEY"\n'
        f"models = {{ {named} }}\n"
    )


@pytest.fixture
def linking(serve: LinkServer) -> LinkServer:
    """Starts a server whose public URL is its own loopback address."""

    def start(text: str, home: Path | None = None, port: int = 0) -> Server:
        port = port or free_port()
        public = {"LONGTAKE_PUBLIC_URL": f"http://127.0.0.1:{port}"}
        return serve(text, home, "--port", str(port), environment=public)

    return start


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return foreign_clip(tmp_path / "the uploader's own name.mp4")


def status_of(url: str, **headers: str) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)


def blobs(server: Server) -> int:
    return len([path for path in (server.home / "storage" / "blobs").rglob("*") if path.is_file()])


def last_job(upstream: RunningUpstream) -> Json:
    return upstream.jobs()[-1]


def test_a_maker_fetches_the_head_by_a_link_that_ends_with_its_job(linking, upstream, film, tmp_path):
    server = linking(toml(upstream.url, "xai", m="grok-imagine-video"))
    source = server.upload(film)
    before = len(upstream.seen()["fetched"])
    ended = done(server, extend(server, "m", source, 3.5, duration=2))
    seconds, _, _, _ = facts_of(save(server, ended["id"], tmp_path / "longer.mp4"))
    assert seconds == pytest.approx(5.5, abs=0.1)
    job = last_job(upstream)
    url = job["asked"]["video"]["url"]
    assert url.startswith(f"{server.url}/v1/inputs/")
    assert url.endswith(".mp4")
    assert "uploader" not in url
    (fetched,) = upstream.seen()["fetched"][before:]
    assert fetched == {"url": url, "statuses": [206, 200], "mime": "video/mp4"}
    assert job["source"]["seconds"] == pytest.approx(3.5, abs=0.05)
    assert ended["metadata"]["mode"] == "native_trimmed"
    assert status_of(url) == 410
    signature = url.split("/")[-2]
    assert signature not in server.log.read_text()
    # Video, new part, fetched clip, thumbnail and sprite of the task; nothing of what was handed over.
    asked_again = blobs(server)
    ended = done(server, extend(server, "m", source, 5, duration=2))
    assert ended["metadata"]["mode"] == "native"
    assert last_job(upstream)["asked"]["video"]["url"].endswith(".mp4")
    assert last_job(upstream)["source"]["seconds"] == pytest.approx(5, abs=0.05)
    made = len({asset for asset in ended["metadata"] if asset.endswith("url")})
    assert blobs(server) - asked_again <= made + 3


def test_a_link_is_good_for_its_job_alone(linking, upstream, film):
    upstream.set(render_s=30)
    home_toml = toml(upstream.url, "xai", m="grok-imagine-video")
    server = linking(home_toml)
    task_id = extend(server, "m", server.upload(film), 3.5, duration=2)
    step_reached(server, task_id, "polling")
    url = last_job(upstream)["asked"]["video"]["url"]
    assert status_of(url) == 200
    assert status_of(url, Range="bytes=10-19") == 206
    base, _, rest = url.partition("/v1/inputs/")
    job, signature, name = rest.split("/")
    uuid, _, attempt = job.rpartition(".")
    forged = [
        f"{base}/v1/inputs/{job}/{signature[:-1]}{'A' if signature[-1] != 'A' else 'B'}/{name}",
        f"{base}/v1/inputs/{uuid}.{int(attempt) + 1}/{signature}/{name}",
        f"{base}/v1/inputs/{job}/{signature}/{name.replace('.mp4', '.png')}",
        f"{base}/v1/assets/{name.removesuffix('.mp4')}/{name}?expires=99999999999&signature={signature}",
        f"{base}/v1/inputs/{job}//{name}",
    ]
    assert [status_of(each) for each in forged] == [403, 403, 403, 403, 404]
    assert server.request("GET", f"/v1/tasks/{task_id}").body.find(b"/v1/inputs/") == -1
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(10)
    again = linking(home_toml, server.home, server.port)
    assert status_of(url) == 200, "the maker may not have fetched it yet"
    assert again.request("POST", f"/v1/tasks/{task_id}/cancel").status == 200
    assert again.wait(task_id, 30)["state"] == "cancelled"
    assert status_of(url) == 410


def test_another_kind_of_file_becomes_an_mp4_within_the_makers_limits(linking, upstream, tmp_path):
    large = tmp_path / "large.mkv"
    with av.open(str(large), "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 1440, 810, "yuv420p"
        for number in range(FPS * 3):
            frame = av.VideoFrame(1440, 810, "yuv420p")
            for plane, value in zip(frame.planes, (40 + number, 120, 140), strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    server = linking(toml(upstream.url, "xai", m="grok-imagine-video"))
    ended = done(server, extend(server, "m", server.upload(large), 3, duration=2))
    source = last_job(upstream)["source"]
    assert "mp4" in source["container"]
    assert (source["width"], source["height"]) == (1280, 720)
    assert ended["metadata"]["mode"] == "native"
    assert ended["size"] == "1440x810"


def test_pictures_go_by_links_too(linking, upstream, film, tmp_path):
    server = linking(toml(upstream.url, "fal", bridge="fal-ai/kling/image-to-video"))
    before = len(upstream.seen()["fetched"])
    ended = done(server, extend(server, "bridge", server.upload(film), 2, duration=2))
    assert ended["metadata"]["mode"] == "bridged"
    (fetched,) = upstream.seen()["fetched"][before:]
    assert (fetched["statuses"], fetched["mime"]) == ([206, 200], "image/png")
    assert fetched["url"].endswith(".png")
    assert last_job(upstream)["has_picture"]
    assert status_of(fetched["url"]) == 410
    picture = tmp_path / "picture.png"
    with av.open(str(film)) as container:
        next(container.decode(video=0)).save(str(picture))
    made = done(server, create(server, "bridge", duration=2, images=[server.upload(picture)]))
    assert last_job(upstream)["asked"]["image_url"].startswith(f"{server.url}/v1/inputs/")
    assert made["metadata"]["mode"] == "native"


def test_without_a_public_url_it_goes_another_way_and_route_says_why(serve, upstream, film):
    server = serve(toml(upstream.url, "xai", m="grok-imagine-video"))
    done(server, extend(server, "m", server.upload(film), 3.5, duration=2))
    assert "characters" in str(last_job(upstream)["asked"]["video"])
    (row,) = server.request("GET", "/v1/route?model=m&operation=extend").json["data"]
    assert (row["can"], row["mode"], row["way"]) == (True, "native", "inline")
    assert "LONGTAKE_PUBLIC_URL is not set" in row["why"]
    assert "inline" in row["why"]


def test_without_a_public_url_files_go_through_fals_storage(serve, upstream, film):
    """The head and the picture at the cut; a storage that breaks once is asked again, and nothing is bought twice."""
    options = f'options = {{ storage_url = "{upstream.url}/fal" }}\n'
    server = serve(toml(upstream.url, "fal", m="ltx-2.3", bridge="fal-ai/kling/image-to-video") + options)
    source, before = server.upload(film), len(upstream.jobs())
    (row,) = server.request("GET", "/v1/route?model=m&operation=extend").json["data"]
    assert (row["can"], row["way"]) == (True, "upload")
    upstream.spoil({"path": "/storage/upload/initiate", "status": 503, "times": 1, "body": {"detail": "busy"}})
    ended = done(server, extend(server, "m", source, 3.5, duration=2))
    assert ended["metadata"]["mode"] == "native_trimmed"
    (job,) = upstream.jobs()[before:]
    assert job["asked"]["video_url"].startswith(f"{upstream.url}/storage/")
    assert job["source"]["seconds"] == pytest.approx(3.5, abs=0.05)
    bridged = done(server, extend(server, "bridge", source, 3.5, duration=2))
    assert bridged["metadata"]["mode"] == "bridged"
    job = last_job(upstream)
    assert job["asked"]["image_url"].startswith(f"{upstream.url}/storage/")
    assert job["has_picture"]
    assert upstream.seen()["leaks"] == []
    assert "signature=" not in server.log.read_text()
