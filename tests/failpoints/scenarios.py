# SPDX-License-Identifier: Apache-2.0
"""Tasks that together take every move of the table. The first word of a prompt names the scenario, so that whoever
takes a task over knows what is to happen to it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.failpoints.edges import Moment
from tests.failpoints.errands import ERRANDS
from tests.failpoints.scenario import (
    CANCELLED,
    CLOSING,
    COMFY,
    DISK_FULL,
    EXPIRED,
    FOR_EVER_S,
    GIVEN_UP,
    NARROW,
    PLAIN,
    PLAIN_LOSS,
    RELAYS,
    SUCCEEDED,
    Kind,
    Scenario,
    of,
)
from tests.fakes.toy_fleet import DAMAGED, FAILED, HANGS, RETRYABLE

from longtake.types import Step


def _taken_up(step: str, before: str, **fields: object) -> Scenario:
    """A task whose owner died in a step, so that another one takes it up there."""
    return Scenario(
        name=f"taken-up-{step}",
        kind="remote",
        ends=of(SUCCEEDED),
        edges=(f"{step}: claimed",),
        prepare=((f"{before} → {step}", Moment.AFTER_COMMIT),),
        **{"model": RELAYS, **fields},  # pyright: ignore[reportArgumentType]
    )


def _late(step: str, before: str, **fields: object) -> Scenario:
    """A task whose owner died in a step, and whose deadline has passed when another one comes."""
    return Scenario(
        name=f"late-{step}",
        kind="remote",
        ends=of(SUCCEEDED, EXPIRED),
        edges=(f"{step} → expired",),
        prepare=((f"{before} → {step}", Moment.AFTER_COMMIT),),
        late=True,
        **{"model": RELAYS, **fields},  # pyright: ignore[reportArgumentType]
    )


def _cancelled(step: Step, *more: str, kind: Kind = "remote", **fields: object) -> Scenario:
    return Scenario(
        name=f"cancelled-{step}",
        kind=kind,
        ends=of(CANCELLED),
        edges=(f"{step} → cancelled", *more),
        cancel_at=step,
        **{"model": RELAYS if kind == "remote" else "", **fields},  # pyright: ignore[reportArgumentType]
    )


_ALL = (
    Scenario(
        name="local",
        kind="local",
        ends=of(SUCCEEDED),
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
        ends=of(SUCCEEDED),
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
        ends=of(SUCCEEDED),
        edges=("assembling → preparing", "preparing: claimed"),
    ),
    Scenario(
        name="more-parts",
        kind="remote",
        model=RELAYS,
        new_s=45,
        ends=of(SUCCEEDED),
        edges=("assembling → preparing",),
        prepare=(("assembling → preparing", Moment.AFTER_COMMIT),),
    ),
    # -- waiting ---------------------------------------------------------------------------------------------------
    Scenario(
        name="child", kind="child", parent="local", ends=of(SUCCEEDED), edges=("new → waiting", "waiting → queued")
    ),
    Scenario(
        name="orphan",
        kind="child",
        parent="local-fails",
        ends=of("failed:source_unusable"),
        edges=("waiting → failed",),
    ),
    _cancelled(Step.WAITING, kind="child", parent="local-stuck"),
    Scenario(
        name="waits-too-long",
        kind="child",
        parent="local-stuck",
        ends=of(EXPIRED, "failed:source_unusable"),
        edges=("waiting → expired",),
        ahead_at=Step.WAITING,
    ),
    # -- queued ----------------------------------------------------------------------------------------------------
    Scenario(
        name="poison",
        kind="local",
        always=HANGS,
        ends=of(GIVEN_UP),
        edges=("queued → failed",),
        prepare=(("preparing → generating", Moment.AFTER_COMMIT),) * 3,
    ),
    # A new task is claimed with its submit: in the queue is only one that lost its owner, or waited for its source.
    _cancelled(Step.QUEUED, kind="local", prepare=(("new → queued", Moment.AFTER_COMMIT),)),
    Scenario(
        name="late-queued",
        kind="local",
        ends=of(SUCCEEDED, EXPIRED),
        edges=("queued → expired",),
        prepare=(("new → queued", Moment.AFTER_COMMIT),),
        late=True,
    ),
    # -- preparing -------------------------------------------------------------------------------------------------
    Scenario(
        name="all-rest", kind="remote", model=RELAYS, rests=True, ends=of(SUCCEEDED), edges=("preparing → queued",)
    ),
    Scenario(
        name="switched-off",
        kind="remote",
        model=CLOSING,
        ends=of("failed:get_channel_failed"),
        edges=("preparing → failed",),
    ),
    _cancelled(Step.PREPARING, "preparing: cancel requested", kind="local"),
    # -- submitting ------------------------------------------------------------------------------------------------
    Scenario(
        name="asked-elsewhere",
        kind="remote",
        model=RELAYS,
        refuse=503,
        ends=of(SUCCEEDED),
        edges=("submitting → queued",),
    ),
    Scenario(
        name="refused",
        kind="remote",
        model=PLAIN,
        refuse=400,
        ends=of("failed:invalid_request", PLAIN_LOSS),
        edges=("submitting → failed",),
    ),
    Scenario(
        name="plain-lost",
        kind="remote",
        model=PLAIN,
        drop="after",
        ends=of(PLAIN_LOSS),
        edges=(),
    ),
    Scenario(
        name="waits-for-room",
        kind="remote",
        model=NARROW,
        crowded_s=0.05,
        ends=of(SUCCEEDED),
        edges=("submitting: job begins",),
    ),
    _cancelled(Step.SUBMITTING, "submitting: cancel requested", model=NARROW, crowded_s=FOR_EVER_S),
    Scenario(
        name="no-room",
        kind="remote",
        model=NARROW,
        crowded_s=FOR_EVER_S,
        wish="stuck",
        ends=of(DISK_FULL, EXPIRED, PLAIN_LOSS),
        edges=("submitting → expired",),
        ahead_at=Step.SUBMITTING,
    ),
    Scenario(
        name="taken-up-submitting",
        kind="remote",
        model=RELAYS,
        ends=of(SUCCEEDED),
        edges=("submitting: claimed",),
        prepare=(("preparing → submitting", Moment.AFTER_COMMIT),),
    ),
    Scenario(
        name="looked-up",
        kind="remote",
        model=COMFY,
        drop="after",
        ends=of(SUCCEEDED),
        edges=("submitting → unconfirmed", "unconfirmed → polling"),
    ),
    # -- unconfirmed -----------------------------------------------------------------------------------------------
    Scenario(
        name="never-arrived",
        kind="remote",
        model=COMFY,
        drop="before",
        ends=of(SUCCEEDED),
        edges=("unconfirmed → queued",),
    ),
    Scenario(
        name="never-told",
        kind="remote",
        model=COMFY,
        drop="after",
        deaf=True,
        ends=of(DISK_FULL, PLAIN_LOSS, EXPIRED),
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
        ends=of(SUCCEEDED),
        edges=("polling → queued",),
    ),
    Scenario(
        name="moderated",
        kind="remote",
        model=RELAYS,
        wish="moderated",
        ends=of("failed:content_policy_violation"),
        edges=("polling → failed",),
    ),
    _cancelled(Step.POLLING, "polling: cancel requested", "end: job resolved", wish="slow"),
    Scenario(
        name="stuck",
        kind="remote",
        model=RELAYS,
        wish="stuck",
        ends=of(DISK_FULL, EXPIRED, PLAIN_LOSS),
        edges=("polling → expired",),
        ahead_at=Step.POLLING,
    ),
    _taken_up("polling", "submitting"),
    Scenario(
        name="stopped-polling",
        kind="remote",
        model=RELAYS,
        wish="slow",
        ends=of(SUCCEEDED),
        edges=("polling: let go",),
        stop_at=Step.POLLING,
    ),
    # -- fetching --------------------------------------------------------------------------------------------------
    Scenario(
        name="link-expired",
        kind="remote",
        model=RELAYS,
        wish="expired",
        ends=of("failed:upstream_error"),
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
        ends=of("failed:engine_failed"),
        edges=("assembling → failed",),
    ),
    Scenario(
        name="join-again",
        kind="remote",
        model=RELAYS,
        toy=(RETRYABLE,),
        ends=of(SUCCEEDED, GIVEN_UP),
        edges=("assembling: let go",),
    ),
    _cancelled(Step.ASSEMBLING, "assembling: cancel requested", always=HANGS),
    _late("assembling", "fetching"),
    # -- generating ------------------------------------------------------------------------------------------------
    Scenario(
        name="made-again", kind="local", toy=(RETRYABLE,), ends=of(SUCCEEDED, GIVEN_UP), edges=("generating → queued",)
    ),
    Scenario(
        name="local-fails",
        kind="local",
        always=FAILED,
        ends=of("failed:engine_failed"),
        edges=("generating → failed",),
    ),
    _cancelled(Step.GENERATING, "generating: cancel requested", kind="local", always=HANGS),
    Scenario(
        name="too-slow",
        kind="local",
        always=HANGS,
        ends=of(DISK_FULL, EXPIRED, GIVEN_UP),
        edges=("generating → expired",),
        ahead_at=Step.GENERATING,
    ),
    Scenario(name="local-stuck", kind="local", always=HANGS, ends=of(CANCELLED, EXPIRED, GIVEN_UP), edges=()),
    # -- storing ---------------------------------------------------------------------------------------------------
    Scenario(
        name="damaged-once",
        kind="local",
        toy=(DAMAGED,),
        ends=of(SUCCEEDED, "failed:store_failed"),
        edges=("storing → queued",),
    ),
    Scenario(
        name="join-damaged",
        kind="remote",
        model=RELAYS,
        toy=(DAMAGED,),
        ends=of(SUCCEEDED, "failed:store_failed"),
        edges=("storing → assembling",),
    ),
    Scenario(name="damaged", kind="local", always=DAMAGED, ends=of("failed:store_failed"), edges=("storing → failed",)),
    Scenario(
        name="too-late-to-cancel",
        kind="local",
        ends=of(SUCCEEDED, CANCELLED),
        edges=("storing: cancel requested",),
        cancel_at=Step.STORING,
    ),
    _taken_up("storing", "assembling"),
)
SCENARIOS: Mapping[str, Scenario] = {scenario.name: scenario for scenario in (*_ALL, *ERRANDS)}


def scenario_of(prompt: str | None) -> Scenario | None:
    """Whose task this is; None for an upload."""
    return SCENARIOS.get((prompt or "").split(" ", 1)[0])
