# SPDX-License-Identifier: Apache-2.0
"""Tasks that together take every move of the table. The first word of a prompt names the scenario, so that whoever
takes a task over knows what is to happen to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tests.failpoints.edges import Moment
from tests.fakes.toy_fleet import DAMAGED, FAILED, HANGS, RETRYABLE

from longtake.types import Step

Kind = Literal["local", "remote", "child", "upload"]
SUCCEEDED, CANCELLED, EXPIRED = "succeeded", "cancelled", "expired"
RELAYS, COMFY, PLAIN, NARROW, CLOSING = "grok-video-3", "veo3.1", "sora-2", "grok-video-3-pro", "grok-video-3-max"
"""Models: two relays where a key counts once; one that can be asked for a job by its key; one without either; one with
a single place; one that is switched off when its task is taken up."""
_FOR_EVER_S = 1000.0
PLAIN_LOSS = "failed:submission_unconfirmed"
GIVEN_UP = "failed:engine_crashed"


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is submitted, what happens to it, how it may end, and which writes it is there for."""

    name: str
    kind: Kind
    ends: frozenset[str]
    edges: tuple[str, ...]
    model: str = ""
    wish: str = ""
    """What becomes of its first job at the upstream; `slow`: it takes a while."""
    toy: tuple[str, ...] = ()
    """What becomes of its runs here, one after the other."""
    always: str = ""
    """What becomes of each of them after those."""
    parent: str = ""
    """The scenario of the task that a child waits for."""
    cancel_at: Step | None = None
    ahead_at: Step | None = None
    """Once it is in this step its deadline passes."""
    late: bool = False
    """Who takes over comes a day later."""
    stop_at: Step | None = None
    """The server is stopped in good order in this step."""
    drop: Literal["", "before", "after"] = ""
    """What becomes of the first call that buys: not sent, or sent, and nobody knows."""
    deaf: bool = False
    """No question about it is answered."""
    refuse: int = 0
    """The status that answers its first call that buys."""
    new_s: int | None = None
    """How long it is to be; more than its maker makes at once is made in parts."""
    crowded_s: float = 0.0
    """For how long its account's only place is somebody else's."""
    rests: bool = False
    """All accounts rest when it is taken up."""
    prepare: tuple[tuple[str, Moment], ...] = ()
    """Where earlier processes die, so that the next one can come to the write."""

    def prompt(self, number: str) -> str:
        """Of its task of this number."""
        wish = {"": "", "slow": " [render=0.4]"}.get(self.wish, f" [outcome={self.wish}]")
        return f"{self.name} {number}{wish}"


def _of(*ends: str) -> frozenset[str]:
    return frozenset(ends)


def _taken_up(step: str, before: str, **fields: object) -> Scenario:
    """A task whose owner died in a step, so that another one takes it up there."""
    return Scenario(
        name=f"taken-up-{step}",
        kind="remote",
        ends=_of(SUCCEEDED),
        edges=(f"{step}: claimed",),
        prepare=((f"{before} → {step}", Moment.AFTER_COMMIT),),
        **{"model": RELAYS, **fields},  # pyright: ignore[reportArgumentType]
    )


def _late(step: str, before: str, **fields: object) -> Scenario:
    """A task whose owner died in a step, and whose deadline has passed when another one comes."""
    return Scenario(
        name=f"late-{step}",
        kind="remote",
        ends=_of(SUCCEEDED, EXPIRED),
        edges=(f"{step} → expired",),
        prepare=((f"{before} → {step}", Moment.AFTER_COMMIT),),
        late=True,
        **{"model": RELAYS, **fields},  # pyright: ignore[reportArgumentType]
    )


def _cancelled(step: Step, *more: str, kind: Kind = "remote", **fields: object) -> Scenario:
    return Scenario(
        name=f"cancelled-{step}",
        kind=kind,
        ends=_of(CANCELLED),
        edges=(f"{step} → cancelled", *more),
        cancel_at=step,
        **{"model": RELAYS if kind == "remote" else "", **fields},  # pyright: ignore[reportArgumentType]
    )


_ALL = (
    Scenario(
        name="local",
        kind="local",
        ends=_of(SUCCEEDED),
        edges=(
            "new → queued",
            "queued → preparing",
            "preparing → generating",
            "generating → storing",
            "storing → succeeded",
        ),
    ),
    Scenario(
        name="remote",
        kind="remote",
        model=RELAYS,
        ends=_of(SUCCEEDED),
        edges=(
            "preparing → submitting",
            "submitting → polling",
            "polling → fetching",
            "fetching → assembling",
            "assembling: claimed",
            "assembling: job begins",
            "assembling → storing",
        ),
    ),
    Scenario(
        name="two-parts",
        kind="remote",
        model=RELAYS,
        new_s=20,
        ends=_of(SUCCEEDED),
        edges=("assembling → preparing", "preparing: claimed"),
    ),
    Scenario(name="upload", kind="upload", ends=_of(SUCCEEDED), edges=("new → succeeded",)),
    # -- waiting ---------------------------------------------------------------------------------------------------
    Scenario(
        name="child", kind="child", parent="local", ends=_of(SUCCEEDED), edges=("new → waiting", "waiting → queued")
    ),
    Scenario(
        name="orphan",
        kind="child",
        parent="local-fails",
        ends=_of("failed:source_unusable"),
        edges=("waiting → failed",),
    ),
    _cancelled(Step.WAITING, kind="child", parent="local-stuck"),
    Scenario(
        name="waits-too-long",
        kind="child",
        parent="local-stuck",
        ends=_of(EXPIRED, "failed:source_unusable"),
        edges=("waiting → expired",),
        ahead_at=Step.WAITING,
    ),
    # -- queued ----------------------------------------------------------------------------------------------------
    Scenario(
        name="poison",
        kind="local",
        always=HANGS,
        ends=_of(GIVEN_UP),
        edges=("queued → failed",),
        prepare=(("preparing → generating", Moment.AFTER_COMMIT),) * 3,
    ),
    _cancelled(Step.QUEUED, kind="local"),
    Scenario(
        name="late-queued",
        kind="local",
        ends=_of(SUCCEEDED, EXPIRED),
        edges=("queued → expired",),
        prepare=(("new → queued", Moment.AFTER_COMMIT),),
        late=True,
    ),
    # -- preparing -------------------------------------------------------------------------------------------------
    Scenario(
        name="all-rest", kind="remote", model=RELAYS, rests=True, ends=_of(SUCCEEDED), edges=("preparing → queued",)
    ),
    Scenario(
        name="switched-off",
        kind="remote",
        model=CLOSING,
        ends=_of("failed:get_channel_failed"),
        edges=("preparing → failed",),
    ),
    _cancelled(Step.PREPARING, "preparing: cancel requested", kind="local"),
    # -- submitting ------------------------------------------------------------------------------------------------
    Scenario(
        name="asked-elsewhere",
        kind="remote",
        model=RELAYS,
        refuse=503,
        ends=_of(SUCCEEDED),
        edges=("submitting → queued",),
    ),
    Scenario(
        name="refused",
        kind="remote",
        model=PLAIN,
        refuse=400,
        ends=_of("failed:invalid_request", PLAIN_LOSS),
        edges=("submitting → failed",),
    ),
    Scenario(
        name="plain-lost",
        kind="remote",
        model=PLAIN,
        drop="after",
        ends=_of(PLAIN_LOSS),
        edges=(),
    ),
    Scenario(
        name="waits-for-room",
        kind="remote",
        model=NARROW,
        crowded_s=0.05,
        ends=_of(SUCCEEDED),
        edges=("submitting: job begins",),
    ),
    _cancelled(Step.SUBMITTING, "submitting: cancel requested", model=NARROW, crowded_s=_FOR_EVER_S),
    Scenario(
        name="no-room",
        kind="remote",
        model=NARROW,
        crowded_s=_FOR_EVER_S,
        wish="stuck",
        ends=_of(EXPIRED, PLAIN_LOSS),
        edges=("submitting → expired",),
        ahead_at=Step.SUBMITTING,
    ),
    Scenario(
        name="taken-up-submitting",
        kind="remote",
        model=RELAYS,
        ends=_of(SUCCEEDED),
        edges=("submitting: claimed",),
        prepare=(("preparing → submitting", Moment.AFTER_COMMIT),),
    ),
    Scenario(
        name="looked-up",
        kind="remote",
        model=COMFY,
        drop="after",
        ends=_of(SUCCEEDED),
        edges=("submitting → unconfirmed", "unconfirmed → polling"),
    ),
    # -- unconfirmed -----------------------------------------------------------------------------------------------
    Scenario(
        name="never-arrived",
        kind="remote",
        model=COMFY,
        drop="before",
        ends=_of(SUCCEEDED),
        edges=("unconfirmed → queued",),
    ),
    Scenario(
        name="never-told",
        kind="remote",
        model=COMFY,
        drop="after",
        deaf=True,
        ends=_of(PLAIN_LOSS, EXPIRED),
        edges=("unconfirmed → failed",),
        ahead_at=Step.UNCONFIRMED,
    ),
    _cancelled(Step.UNCONFIRMED, "unconfirmed: cancel requested", model=COMFY, drop="after"),
    _late("unconfirmed", "submitting", model=COMFY, drop="after"),
    _taken_up("unconfirmed", "submitting", model=COMFY, drop="after"),
    # -- polling ---------------------------------------------------------------------------------------------------
    Scenario(
        name="fails-once",
        kind="remote",
        model=RELAYS,
        wish="failed",
        ends=_of(SUCCEEDED),
        edges=("polling → queued",),
    ),
    Scenario(
        name="moderated",
        kind="remote",
        model=RELAYS,
        wish="moderated",
        ends=_of("failed:content_policy_violation"),
        edges=("polling → failed",),
    ),
    _cancelled(Step.POLLING, "polling: cancel requested", "end: job resolved", wish="slow"),
    Scenario(
        name="stuck",
        kind="remote",
        model=RELAYS,
        wish="stuck",
        ends=_of(EXPIRED, PLAIN_LOSS),
        edges=("polling → expired",),
        ahead_at=Step.POLLING,
    ),
    _taken_up("polling", "submitting"),
    Scenario(
        name="stopped-polling",
        kind="remote",
        model=RELAYS,
        wish="slow",
        ends=_of(SUCCEEDED),
        edges=("polling: let go",),
        stop_at=Step.POLLING,
    ),
    # -- fetching --------------------------------------------------------------------------------------------------
    Scenario(
        name="link-expired",
        kind="remote",
        model=RELAYS,
        wish="expired",
        ends=_of("failed:upstream_error"),
        edges=("fetching → failed",),
    ),
    _cancelled(Step.FETCHING, "fetching: cancel requested"),
    _late("fetching", "polling"),
    _taken_up("fetching", "polling"),
    # -- assembling ------------------------------------------------------------------------------------------------
    Scenario(
        name="join-fails",
        kind="remote",
        model=RELAYS,
        always=FAILED,
        ends=_of("failed:engine_failed"),
        edges=("assembling → failed",),
    ),
    Scenario(
        name="join-again",
        kind="remote",
        model=RELAYS,
        toy=(RETRYABLE,),
        ends=_of(SUCCEEDED, GIVEN_UP),
        edges=("assembling: let go",),
    ),
    _cancelled(Step.ASSEMBLING, "assembling: cancel requested", always=HANGS),
    _late("assembling", "fetching"),
    # -- generating ------------------------------------------------------------------------------------------------
    Scenario(
        name="made-again", kind="local", toy=(RETRYABLE,), ends=_of(SUCCEEDED, GIVEN_UP), edges=("generating → queued",)
    ),
    Scenario(
        name="local-fails",
        kind="local",
        always=FAILED,
        ends=_of("failed:engine_failed"),
        edges=("generating → failed",),
    ),
    _cancelled(Step.GENERATING, "generating: cancel requested", kind="local", always=HANGS),
    Scenario(
        name="too-slow",
        kind="local",
        always=HANGS,
        ends=_of(EXPIRED, GIVEN_UP),
        edges=("generating → expired",),
        ahead_at=Step.GENERATING,
    ),
    Scenario(name="local-stuck", kind="local", always=HANGS, ends=_of(CANCELLED, EXPIRED, GIVEN_UP), edges=()),
    # -- storing ---------------------------------------------------------------------------------------------------
    Scenario(
        name="damaged-once",
        kind="local",
        toy=(DAMAGED,),
        ends=_of(SUCCEEDED, "failed:store_failed"),
        edges=("storing → queued",),
    ),
    Scenario(
        name="join-damaged",
        kind="remote",
        model=RELAYS,
        toy=(DAMAGED,),
        ends=_of(SUCCEEDED, "failed:store_failed"),
        edges=("storing → assembling",),
    ),
    Scenario(
        name="damaged", kind="local", always=DAMAGED, ends=_of("failed:store_failed"), edges=("storing → failed",)
    ),
    Scenario(
        name="too-late-to-cancel",
        kind="local",
        ends=_of(SUCCEEDED, CANCELLED),
        edges=("storing: cancel requested",),
        cancel_at=Step.STORING,
    ),
    _taken_up("storing", "assembling"),
)
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in _ALL}


def scenario_of(prompt: str | None) -> Scenario | None:
    """Whose task this is; None for an upload."""
    return SCENARIOS.get((prompt or "").split(" ", 1)[0])
