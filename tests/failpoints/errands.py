# SPDX-License-Identifier: Apache-2.0
"""What is asked of a server beside the walk of a task whose source is here: inputs that are elsewhere, links for
makers, deletion, retention, keys, money, and the file of the record itself."""

from __future__ import annotations

from tests.failpoints import record_writes as record
from tests.failpoints.edges import Moment
from tests.failpoints.scenario import GIVEN_UP, LINKED, PLAIN_LOSS, RELAYS, SUCCEEDED, Scenario, of

from longtake.types import Step

_ENDED = (("storing → succeeded", Moment.AFTER_COMMIT),)

ERRANDS = (
    # -- inputs that are elsewhere ---------------------------------------------------------------------------------
    Scenario(
        name="by-url",
        kind="url",
        ends=of(SUCCEEDED, "failed:download_failed"),
        edges=(record.GATHERING, record.FETCHED_INPUT, record.GATHERED),
    ),
    Scenario(
        name="adopts",
        kind="adopt",
        ends=of(SUCCEEDED),
        edges=(record.TOKEN, record.GATHERING, record.ADOPTED, record.GATHERED),
    ),
    Scenario(
        name="by-link",
        kind="links",
        model=LINKED,
        ends=of(SUCCEEDED, PLAIN_LOSS),
        edges=(record.STAGING, record.HANDED, record.TAKEN_BACK),
    ),
    # -- files of callers ------------------------------------------------------------------------------------------
    Scenario(name="upload", kind="upload", edges=("new → succeeded",)),
    Scenario(name="hangs-up", kind="aborted", edges=(record.UPLOAD_BACK,)),
    Scenario(name="staged", kind="staged", ends=of(SUCCEEDED), edges=(record.SENT_INPUT,)),
    Scenario(name="refused-with-file", kind="unstaged", edges=(record.INPUT_DROPPED,)),
    Scenario(name="loses-its-source", kind="orphaned", ends=of(SUCCEEDED), edges=(record.ORPHANS,)),
    # -- what goes -------------------------------------------------------------------------------------------------
    Scenario(name="deleted", kind="remote", model=RELAYS, deletes=True, ends=of(SUCCEEDED), edges=(record.DELETED,)),
    Scenario(
        name="aged",
        kind="local",
        ends=of(SUCCEEDED),
        edges=(record.AGED,),
        prepare=_ENDED,
        late=True,
        last_late=True,
        retention_s=3600,
    ),
    Scenario(
        name="answered-long-ago",
        kind="local",
        ends=of(SUCCEEDED),
        edges=(record.FORGOTTEN,),
        prepare=_ENDED,
        late=True,
    ),
    # -- money, keys, accounts -------------------------------------------------------------------------------------
    Scenario(
        name="never-billed",
        kind="remote",
        model=RELAYS,
        wish="stuck",
        deaf=True,
        cancel_at=Step.POLLING,
        ends=of("cancelled"),
        edges=(record.LATE,),
        prepare=(("polling → cancelled", Moment.AFTER_COMMIT),),
        late=True,
        last_late=True,
    ),
    Scenario(name="pays", kind="payment", edges=(record.BALANCE,)),
    Scenario(name="prepays-no-more", kind="closed", edges=(record.BALANCE_CLOSED,)),
    Scenario(name="gets-a-key", kind="key", edges=(record.KEY_MADE,)),
    Scenario(name="loses-a-key", kind="revoked", edges=(record.KEY_REVOKED,)),
    Scenario(
        name="no-money-there",
        kind="remote",
        model=RELAYS,
        refuse=402,
        ends=of(SUCCEEDED),
        edges=(record.ACCOUNT,),
    ),
    # -- the record itself -----------------------------------------------------------------------------------------
    Scenario(name="is-it-well", kind="check", edges=(record.ROOM,)),
    Scenario(name="first-start", kind="first-start", edges=(record.TABLES_MADE, record.INSTALLED)),
    Scenario(
        name="taken-over",
        kind="local",
        ends=of(SUCCEEDED, GIVEN_UP),
        edges=(record.TAKEN_OVER,),
        prepare=(("preparing → generating", Moment.AFTER_COMMIT),),
    ),
    Scenario(
        name="taken-over-there",
        kind="remote",
        model=RELAYS,
        ends=of(SUCCEEDED),
        edges=(record.TAKEN_OVER,),
        prepare=(("submitting → polling", Moment.AFTER_COMMIT),),
    ),
    Scenario(
        name="taken-over-file",
        kind="staged",
        ends=of(SUCCEEDED),
        edges=(record.TAKEN_OVER,),
        prepare=((record.SENT_INPUT, Moment.AFTER_COMMIT),),
    ),
    Scenario(name="shows-progress", kind="local", ends=of(SUCCEEDED), edges=(record.PROGRESS,)),
)
