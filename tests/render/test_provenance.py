# SPDX-License-Identifier: Apache-2.0
"""What results say of their making, made by real children and read by a reader that shares no code with the writer."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import c2pa
import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from tests.contract.values import FACTS
from tests.render.conftest import create_plan
from tests.render.credentials import C2PA_BOX, Broken, Credentials, boxes, read
from tests.render.test_jobs import Bench, maker

from longtake.media.aigc import AigcLabel, label_in
from longtake.media.contract import Assembled
from longtake.render.base import ClipInput, CreateRequest, Produced, RemixRequest, RenderJob, RenderLimits
from longtake.render.messages import ProvenanceSetup
from longtake.render.outputs import Outputs
from longtake.render.provenance import Origin, Provenance
from longtake.types import Maker, Mode, Operation, Role

TRAINED = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
ALGORITHM = "http://cv.iptc.org/newscodes/digitalsourcetype/algorithmicMedia"
REMOTE = Maker(provider="elsewhere", model="veo-9", engine="", mode=Mode.NATIVE)
OTHER_ANCHOR = b"""
-----BEGIN CERTIFICATE-----
MIIBiDCCAS2gAwIBAgIUfcEpxMTWjxgUia0nlW/ueqDN/xgwCgYIKoZIzj0EAwIw
IDERMA8GA1UECgwIbG9uZ3Rha2UxCzAJBgNVBAMMAkNBMB4XDTI2MTEyNjE4MDQz
M1oXDTM2MTEyNDE4MDQzM1owIDERMA8GA1UECgwIbG9uZ3Rha2UxCzAJBgNVBAMM
AkNBMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEOhrfIyw0ESDZqb8NFLUd2/0+
LbwhFMR+kqxd77Mxil2rPJmCp5YG7bi6nXNoST/0F8EKT+cMm9qWJXu2WsWkq6NF
MEMwEgYDVR0TAQH/BAgwBgEB/wIBADAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYE
FLHf0fjZMxbTcWUJRu/q/2eCPTi7MAoGCCqGSM49BAMCA0kAMEYCIQCBlceyiPCa
FexbXUoNUozmCOUzUWT1iiVV8vyvhwOGagIhALUNvNnLql3TlMlkRoFVsY/zGa9u
0i3FxhaqN1EavOgq
-----END CERTIFICATE-----
"""
"""A certificate that has signed nothing here."""
XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def bench(home: Path) -> Iterator[Bench]:
    made = Bench(home / "storage", ProvenanceSetup(folder=str(home / "provenance"), producer="A Studio"))
    yield made
    asyncio.run(made.fleet.close())


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """The same without a word."""
    made = Bench(tmp_path_factory.mktemp("plain"))
    yield made
    asyncio.run(made.fleet.close())


@pytest.fixture(scope="module")
def extended(bench: Bench) -> Produced:
    final = bench.extend("classic")
    assert isinstance(final, Produced), final
    return final


def video(bench: Bench, made: Produced, role: Role = Role.VIDEO) -> bytes:
    return bench.checked(made.report)[role].read_bytes()


def anchor(home: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate((home / "provenance" / "signing" / "ca.pem").read_bytes())


def packets(path: Path) -> list[tuple[object, ...]]:
    with av.open(str(path)) as container:
        return [
            (one.stream_index, one.pts, one.dts, one.duration, one.is_keyframe, bytes(one))
            for one in container.demux()
            if one.size
        ]


def aigc(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        found: dict[str, str] = json.loads(container.metadata["AIGC"])
    return found


def verdict(data: bytes, tmp_path: Path, trusted: str) -> str:
    """The writing library's own reader, which trusts the anchor and nothing else."""
    path = tmp_path / "judged.mp4"
    path.write_bytes(data)
    wish: dict[str, Any] = {
        "trust": {"trust_anchors": trusted},
        "verify": {"verify_trust": True, "remote_manifest_fetch": False},
    }
    with c2pa.Reader(str(path), context=c2pa.Context(c2pa.Settings.from_dict(wish))) as reader:
        return str(reader.get_validation_state())


def regions(said: Credentials, name: str) -> list[tuple[float, float]]:
    """The stretches of the actions of a name."""
    return [
        (float(region["time"]["start"]), float(region["time"]["end"]))
        for action in said.actions
        if action["action"] == name
        for change in action["changes"]
        for region in change["region"]
    ]


def test_an_extension_says_what_is_new_and_who_made_it(bench: Bench, home: Path, extended: Produced) -> None:
    said = read(video(bench, extended), anchor(home))
    assert [action["action"] for action in said.actions] == ["c2pa.opened", "c2pa.trimmed", "c2pa.edited"]
    assert said.claim["claim_generator_info"]["name"] == "longtake"
    assert regions(said, "c2pa.trimmed") == [(0.0, 1.0)]
    assert regions(said, "c2pa.edited") == [(1.0, 2.0)]
    edited = said.actions[-1]
    assert edited["digitalSourceType"] == ALGORITHM, "nobody has trained the built-in engine"
    assert edited["softwareAgent"] == {"name": "longtake-cpu"}
    assert edited["parameters"] == {"com.longtake.provider": "longtake", "com.longtake.mode": "local"}
    assert said.assertions["c2pa.ingredient.v3"]["relationship"] == "parentOf"
    generation = said.assertions["com.longtake.generation"]
    assert (generation["model"], generation["start_us"], generation["new_us"]) == ("longtake-cpu", 1_000_000, 1_000_000)
    assert extended.report.provenance is not None
    assert extended.report.provenance.c2pa == "installation"


def test_the_new_part_alone_is_signed_too(bench: Bench, home: Path, extended: Produced) -> None:
    said = read(video(bench, extended, Role.NEW_PART), anchor(home))
    assert [(action["action"], action["digitalSourceType"]) for action in said.actions] == [("c2pa.created", ALGORITHM)]
    assert "c2pa.ingredient.v3" not in said.assertions


def test_the_library_s_own_reader_trusts_it_by_the_anchor_alone(
    bench: Bench, home: Path, extended: Produced, tmp_path: Path
) -> None:
    pem = (home / "provenance" / "signing" / "ca.pem").read_text()
    assert verdict(video(bench, extended), tmp_path, pem) == "Trusted"
    assert verdict(video(bench, extended, Role.NEW_PART), tmp_path, pem) == "Trusted"


def test_signing_changes_no_packet_and_leaves_the_index_in_front(
    bench: Bench, plain: Bench, extended: Produced
) -> None:
    same = plain.extend("classic")
    assert isinstance(same, Produced), same
    ours, theirs = bench.checked(extended.report), plain.checked(same.report)
    for role in (Role.VIDEO, Role.NEW_PART):
        assert packets(ours[role]) == packets(theirs[role])
        kinds = [kind for _, kind, _, _ in boxes(ours[role].read_bytes())]
        assert kinds.index(b"moov") < kinds.index(b"mdat")
    assert same.report.provenance is None
    with pytest.raises(StopIteration):
        read(theirs[Role.VIDEO].read_bytes(), x509.load_pem_x509_certificate(OTHER_ANCHOR))


@pytest.mark.parametrize("where", ["mdat", "moov", "longtake-cpu", "c2pa.claim.v2"])
def test_a_changed_byte_is_found(bench: Bench, home: Path, extended: Produced, where: str) -> None:
    data = bytearray(video(bench, extended))
    data[data.rindex(where.encode()) + len(where) + 40] ^= 1
    with pytest.raises((Broken, InvalidSignature, ValueError, KeyError)):
        read(bytes(data), anchor(home))


def test_a_stranger_s_anchor_vouches_for_nothing(bench: Bench, extended: Produced) -> None:
    with pytest.raises((InvalidSignature, ValueError)):
        read(video(bench, extended), x509.load_pem_x509_certificate(OTHER_ANCHOR))


def test_every_generation_carries_the_statements_before_it(bench: Bench, home: Path, extended: Produced) -> None:
    bench.put("signed", video(bench, extended))
    request = bench.extension("classic", start_us=1_500_000)
    second = bench.do(type(request)(plan=request.plan, source_key="signed", source=request.source))
    assert isinstance(second, Produced), second
    said = read(video(bench, second), anchor(home))
    assert len(said.carried) == 1
    results = said.assertions["c2pa.ingredient.v3"]["validationResults"]["activeManifest"]
    assert not results["failure"]
    assert {one["code"] for one in results["success"]} >= {"claimSignature.validated", "assertion.bmffHash.match"}


def test_of_a_source_whose_statement_is_damaged_nothing_is_carried_and_nothing_fails(
    bench: Bench, home: Path, extended: Produced
) -> None:
    data = bytearray(video(bench, extended))
    at = next(at for at, kind, _, content in boxes(bytes(data)) if kind == b"uuid" and content[:16] == C2PA_BOX)
    data[at + 60 : at + 160] = b"\xff" * 100
    bench.put("damaged", bytes(data))
    request = bench.extension("toy")
    final = bench.do(type(request)(plan=request.plan, source_key="damaged", source=request.source))
    assert isinstance(final, Produced), final
    said = read(video(bench, final), anchor(home))
    assert said.carried == []
    assert said.actions[0]["action"] == "c2pa.opened"
    assert said.assertions["c2pa.ingredient.v3"]["relationship"] == "parentOf"


def test_a_source_of_a_kind_without_statements_is_named(bench: Bench, home: Path, tmp_path: Path) -> None:
    with av.open(str(bench.storage.path("clip"))) as given, av.open(str(tmp_path / "clip.mkv"), "w") as taken:
        tracks = {one.index: taken.add_stream_from_template(one) for one in given.streams}
        for packet in given.demux():
            if packet.dts is not None:
                packet.stream = tracks[packet.stream.index]
                taken.mux(packet)
    bench.put("matroska", (tmp_path / "clip.mkv").read_bytes())
    request = bench.extension("toy")
    final = bench.do(type(request)(plan=request.plan, source_key="matroska", source=request.source))
    assert isinstance(final, Produced), final
    assert read(video(bench, final), anchor(home)).assertions["c2pa.ingredient.v3"]["relationship"] == "parentOf"


def test_an_address_in_a_source_is_never_asked(bench: Bench, home: Path) -> None:
    asked: list[str] = []

    class Listener(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        packet = (
            '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            '<rdf:Description rdf:about="" xmlns:dcterms="http://purl.org/dc/terms/" '
            f'dcterms:provenance="http://127.0.0.1:{server.server_port}/manifest.c2pa"/></rdf:RDF></x:xmpmeta>'
        ).encode()
        box = struct.pack(">I4s", 24 + len(packet), b"uuid") + XMP_BOX + packet
        bench.put("remote", bench.clip_bytes + box)
        request = bench.extension("toy")
        final = bench.do(type(request)(plan=request.plan, source_key="remote", source=request.source))
        server.shutdown()
    assert isinstance(final, Produced), final
    assert read(video(bench, final), anchor(home)).carried == []
    assert asked == []


def test_created_and_remixed_videos_say_so(bench: Bench, home: Path) -> None:
    created = bench.create("toy", "a red house")
    assert isinstance(created, Produced), created
    said = read(video(bench, created), anchor(home))
    assert [(one["action"], one["digitalSourceType"]) for one in said.actions] == [("c2pa.created", TRAINED)]
    plan = create_plan("", operation=Operation.REMIX, maker=maker("classic"), source_asset_id="clip")
    remixed = bench.do(RemixRequest(plan=plan, source_key="clip"))
    assert isinstance(remixed, Produced), remixed
    said = read(video(bench, remixed), anchor(home))
    assert [one["action"] for one in said.actions] == ["c2pa.opened", "c2pa.edited"]
    assert regions(said, "c2pa.edited") == [(0.0, 1.0)]


def test_what_a_provider_has_signed_itself_stays_in_the_chain(bench: Bench, home: Path, extended: Produced) -> None:
    bench.put("its-own", video(bench, extended))
    plan = create_plan("", maker=REMOTE, new_us=2_000_000)
    delivered = bench.do(CreateRequest(plan=plan, clip=ClipInput(key="its-own")))
    assert isinstance(delivered, Produced), delivered
    said = read(video(bench, delivered), anchor(home))
    assert [one["action"] for one in said.actions] == ["c2pa.opened", "c2pa.repackaged"]
    assert len(said.carried) == 1
    request = bench.extension("classic", maker=REMOTE)
    joined = bench.do(
        type(request)(
            plan=request.plan, source_key="clip", source=request.source, clip=ClipInput(key="its-own", sent_us=0)
        )
    )
    assert isinstance(joined, Produced), joined
    said = read(video(bench, joined), anchor(home))
    assert (said.actions[-1]["action"], said.actions[-1]["digitalSourceType"]) == ("c2pa.placed", TRAINED)
    assert len(said.carried) == 1
    unsigned = bench.do(CreateRequest(plan=plan, clip=ClipInput(key="clip")))
    assert isinstance(unsigned, Produced), unsigned
    said = read(video(bench, unsigned), anchor(home))
    assert [(one["action"], one["digitalSourceType"]) for one in said.actions] == [("c2pa.created", TRAINED)]


def test_the_label_has_its_seven_texts_at_the_top(bench: Bench, extended: Produced) -> None:
    files = bench.checked(extended.report)
    for role in (Role.VIDEO, Role.NEW_PART):
        label = aigc(files[role])
        assert list(label) == [
            "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID",
            "ReservedCode2",
        ]  # fmt: skip
        assert (label["Label"], label["ContentProducer"]) == ("1", "A Studio")
        assert label["ProduceID"].startswith("longtake:")
        assert label["ContentPropagator"] == label["PropagateID"] == ""
    assert extended.report.provenance is not None
    assert json.loads(extended.report.provenance.aigc) == aigc(files[Role.VIDEO])


def test_a_source_s_label_stays_traceable(bench: Bench, extended: Produced) -> None:
    bench.put("labelled", video(bench, extended))
    before = label_in(bench.storage.path("labelled"))
    assert before is not None
    request = bench.extension("toy")
    final = bench.do(type(request)(plan=request.plan, source_key="labelled", source=request.source))
    assert isinstance(final, Produced), final
    label = aigc(bench.checked(final.report)[Role.VIDEO])
    assert label["ProduceID"] != before.produce_id
    assert (label["ContentPropagator"], label["PropagateID"]) == ("A Studio", before.produce_id)
    # What a provider made and we hand on as it is stays the provider's.
    delivered = bench.do(
        CreateRequest(plan=create_plan("", maker=REMOTE, new_us=2_000_000), clip=ClipInput(key="labelled"))
    )
    assert isinstance(delivered, Produced), delivered
    label = aigc(bench.checked(delivered.report)[Role.VIDEO])
    assert label["ProduceID"] == before.produce_id
    assert label["PropagateID"].startswith("longtake:")
    assert label["PropagateID"] != before.produce_id


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", '"1"', '{"Label": 1}', '{"Label": "1", "ProduceID": "' + "x" * 600 + '"}', "[" * 9000]
)
def test_a_broken_label_is_none(plain: Bench, tmp_path: Path, text: str) -> None:
    path = tmp_path / "clip.mp4"
    with (
        av.open(str(plain.storage.path("clip"))) as given,
        av.open(str(path), "w", options={"movflags": "use_metadata_tags"}) as taken,
    ):
        taken.metadata["AIGC"] = text
        track = taken.add_stream_from_template(given.streams.video[0])
        for packet in given.demux(given.streams.video[0]):
            if packet.dts is not None:
                packet.stream = track
                taken.mux(packet)
    assert label_in(path) is None


def test_both_can_be_switched_off_and_a_label_that_is_there_stays(
    plain: Bench, tmp_path: Path, bench: Bench, extended: Produced
) -> None:
    setup = ProvenanceSetup(folder=str(tmp_path / "provenance"), c2pa=False, aigc=False)
    quiet = Bench(tmp_path / "storage", setup)
    try:
        final = quiet.extend("toy")
        assert isinstance(final, Produced), final
        path = quiet.checked(final.report)[Role.VIDEO]
        assert label_in(path) is None
        assert not any(content[:16] == C2PA_BOX for _, kind, _, content in boxes(path.read_bytes()) if kind == b"uuid")
        assert final.report.provenance is None
        assert not (tmp_path / "provenance").exists()
        quiet.put("labelled", video(bench, extended))
        request = quiet.extension("toy")
        final = quiet.do(type(request)(plan=request.plan, source_key="labelled", source=request.source))
        assert isinstance(final, Produced), final
        assert aigc(quiet.checked(final.report)[Role.VIDEO])["ContentProducer"] == "A Studio"
    finally:
        asyncio.run(quiet.fleet.close())


def test_an_operator_signs_with_an_own_certificate_and_a_bad_key_loses_no_result(
    home: Path, bench: Bench, extended: Produced, tmp_path: Path
) -> None:
    private, begin, chain = (home / "provenance" / "signing" / "signer.pem").read_bytes().partition(b"-----BEGIN CERT")
    certificates, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificates.write_bytes(begin + chain)
    key.write_bytes(private)
    setup = ProvenanceSetup(folder=str(tmp_path / "p"), certificates=str(certificates), key=str(key))
    theirs = Bench(tmp_path / "storage", setup)
    try:
        final = theirs.create("toy", "")
        assert isinstance(final, Produced), final
        assert final.report.provenance is not None
        assert final.report.provenance.c2pa == "operator"
        read(video(theirs, final), anchor(home))
        key.write_text("no key")
        final = theirs.create("toy", "")
        assert isinstance(final, Produced), final
        assert final.report.provenance is not None
        assert final.report.provenance.c2pa == ""
        assert any(warning.startswith("c2pa_failed: ") for warning in final.report.warnings)
        assert not any(str(tmp_path) in warning for warning in final.report.warnings)
        assert aigc(theirs.checked(final.report)[Role.VIDEO])["ContentProducer"].startswith("longtake-")
    finally:
        asyncio.run(theirs.fleet.close())


def test_children_that_come_at_once_make_one_identity_that_only_the_owner_reads(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from longtake.render.identity import installation_id, own_identity;"
        "folder = Path(sys.argv[1]); name = installation_id(folder);"
        "print(name, hash(own_identity(folder, name).certificates))"
    )
    environ = os.environ | {"PYTHONHASHSEED": "0"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "p")], stdout=subprocess.PIPE, text=True, env=environ
        )
        for _ in range(4)
    ]
    answers = {one.communicate()[0] for one in started}
    assert {one.returncode for one in started} == {0}
    assert len(answers) == 1
    assert sorted(path.name for path in (tmp_path / "p").iterdir()) == ["installation", "signing"]
    for path in (tmp_path / "p" / "signing").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "p" / "signing").stat().st_mode) == 0o700


BIG_BYTES = 300 << 20


def test_a_long_result_is_signed_without_being_held_in_memory(plain: Bench, tmp_path: Path) -> None:
    path = tmp_path / "big.mp4"
    path.write_bytes(plain.clip_bytes + struct.pack(">I4s", BIG_BYTES, b"mdat"))
    os.truncate(path, path.stat().st_size + BIG_BYTES - 8)
    script = (
        "import re, sys; from pathlib import Path; from longtake.media.credentials import sign;"
        "from longtake.render.identity import own_identity;"
        "action = {'action': 'c2pa.created', 'digitalSourceType': sys.argv[3]};"
        "claim = {'claim_generator_info': [{'name': 'longtake', 'version': '0'}], 'format': 'video/mp4', 'title': 'v',"
        "'assertions': [{'label': 'c2pa.actions.v2', 'created': True, 'data': {'actions': [action]}}]};"
        "sign(Path(sys.argv[1]), claim, (), own_identity(Path(sys.argv[2]), 'x'));"
        # Not `ru_maxrss`: it begins with what the process held that started this one.
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    (tmp_path / "p").mkdir()
    command = [sys.executable, "-c", script, str(path), str(tmp_path / "p"), ALGORITHM]
    nowhere = os.environ | {"TMPDIR": str(tmp_path / "nowhere")}  # in a container it is memory again
    most_kib = int(subprocess.run(command, capture_output=True, text=True, check=True, env=nowhere).stdout)
    assert most_kib << 10 < 2 * BIG_BYTES, "the signed file was held in memory beside what is hashed"
    anchor = x509.load_pem_x509_certificate((tmp_path / "p" / "signing" / "ca.pem").read_bytes())
    assert read(path.read_bytes(), anchor).actions
    path.unlink()


def test_where_memory_is_short_a_result_stays_unsigned_and_says_so(tmp_path: Path) -> None:
    plan = create_plan("", maker=maker("toy"))
    setup = ProvenanceSetup(folder=str(tmp_path / "p"))
    job = RenderJob(
        task="longtake:1", attempt=1, request=CreateRequest(plan=plan), output="o",
        limits=RenderLimits(memory_bytes=1 << 30),
    )  # fmt: skip
    outputs = Outputs(job, tmp_path)
    with outputs.part(Role.VIDEO).open("wb") as file:
        file.truncate(1 << 30)
    made = Assembled(facts=FACTS)
    said, warnings = Provenance(setup).marks(job.task, plan, Origin()).sign(outputs, made, interim=False)
    assert said.c2pa == ""
    assert len(warnings) == 1
    assert "LONGTAKE_CHILD_MEMORY_BYTES" in warnings[0]


def test_labels_are_written_as_they_are_read() -> None:
    label = AigcLabel(label="1", content_producer="某公司", produce_id="a:1")
    assert json.loads(label.text())["ContentProducer"] == "某公司"
