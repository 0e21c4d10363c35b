# SPDX-License-Identifier: Apache-2.0
"""What handlers work with."""

from __future__ import annotations

from dataclasses import dataclass

from longtake.http.auth import KeyRing
from longtake.http.links import Links
from longtake.http.published import Published
from longtake.http.readiness import Readiness
from longtake.http.rendered import RenderedTasks
from longtake.http.waits import Waits
from longtake.settings import Settings
from longtake.store.base import Store
from longtake.tasks.fitting import Fitting
from longtake.tasks.input_links import InputLinks
from longtake.tasks.provider_desk import ProviderDesk
from longtake.tasks.service import TaskService
from longtake.tasks.usual_waits import UsualWaits


@dataclass(frozen=True, slots=True)
class Context:
    """The only door to the tasks, and what the wire itself needs."""

    service: TaskService
    store: Store
    """For keys alone; tasks are the service's."""
    settings: Settings
    links: Links
    rendered: RenderedTasks
    keys: KeyRing
    readiness: Readiness
    waits: Waits
    """The places of calls that stay open until a task changes."""
    providers: ProviderDesk
    """For admin keys alone."""
    inputs: InputLinks | None
    """Links to the inputs of providers' jobs."""
    fitting: Fitting
    usual_waits: UsualWaits
    openapi: Published
    """The OpenAPI document."""
