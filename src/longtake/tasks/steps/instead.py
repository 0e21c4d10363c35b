# SPDX-License-Identifier: Apache-2.0
"""What an alias falls back on when no provider makes its task: the built-in engine, where it is on the alias' list."""

from __future__ import annotations

import msgspec

from longtake.store.base import TaskChanges
from longtake.tasks.segments import segment_of
from longtake.tasks.steps.surroundings import Surroundings
from longtake.types import Maker, Operation, Task


def made_here(here: Surroundings, task: Task) -> TaskChanges | None:
    """What makes the built-in engine the maker, where the task's name is an alias that stands for it, too."""
    plan = task.plan
    for model in here.providers.names.resolve(task.model_requested):
        found = here.providers.local.get(model)
        if found is None:
            continue
        able = found.capability
        roles = able.extend_image_roles if task.operation is Operation.EXTEND else {image.role for image in plan.images}
        if (
            task.operation in able.operations
            and plan.new_us <= able.max_new_us
            and not segment_of(task).number
            and able.short_sides[0] <= min(plan.width, plan.height) <= able.short_sides[1]
            and len(plan.images) <= able.max_images
            and all(image.role in roles for image in plan.images)
        ):
            return TaskChanges(
                plan=msgspec.structs.replace(
                    plan,
                    maker=found.maker,
                    tariff=found.tariff,
                    segments=(),
                    warnings=(*plan.warnings, _made_here_instead(found.maker)),
                ),
                deadline_ms=here.clock() + here.settings.local_deadline_s * 1000,
                release=True,
            )
    return None


def _made_here_instead(maker: Maker) -> str:
    return f"no provider could do it, so {maker.model} makes this"
