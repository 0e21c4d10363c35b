# SPDX-License-Identifier: Apache-2.0
"""What a result says of its making: the AIGC label in its tags, and Content Credentials signed over the whole file.

The prompt is in neither: a file is shown to people who were not meant to read it.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from longtake import __version__
from longtake.catalog.catalog import shipped_catalog
from longtake.errors import MediaError
from longtake.media.aigc import TAG, AigcLabel, label_in, labelled, passed_on
from longtake.media.contract import Assembled
from longtake.render.messages import ProvenanceSetup
from longtake.render.outputs import Outputs
from longtake.types import SECOND_US, Operation, Plan, ProvenanceReport, Role

_TERMS = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_WITHOUT_SIGNING_BYTES = 512 << 20
"""Of address space that a child has taken before it signs: libraries, decoders, frames."""
_SOURCE, _CLIP = "source", "clip"
_GENERATION = "com.longtake.generation"

_log = logging.getLogger("longtake.render")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Of what a job makes its result: files and how long the source was."""

    source: Path | None = None
    source_us: int = 0
    """Zero = not known, or not of interest."""
    clip: Path | None = None
    """As a remote maker returned it."""


class Provenance:
    """Marks results as a Setup says."""

    def __init__(self, setup: ProvenanceSetup | None) -> None:
        self._setup = setup
        self._installation = ""

    def marks(self, task: str, plan: Plan, origin: Origin) -> Marks:
        """What is to be said of one job's result. Raises OSError if the installation's name cannot be kept."""
        setup = self._setup
        label = self._label(task, plan, origin)
        tags = {TAG: label.text()} if label is not None else {}
        return Marks(task=task, plan=plan, origin=origin, setup=setup, installation=self._installation, tags=tags)

    def _label(self, task: str, plan: Plan, origin: Origin) -> AigcLabel | None:
        """The result's label. Switched off, none is added, but one that a file came with is not taken from it."""
        of_clip = label_in(origin.clip) if origin.clip is not None else None
        of_source = of_clip or (label_in(origin.source) if origin.source is not None else None)
        setup = self._setup
        if setup is None:
            return of_source
        if not self._installation and (setup.aigc or setup.c2pa):
            from longtake.render.identity import installation_id  # noqa: PLC0415  (it loads the signing library)

            self._installation = installation_id(Path(setup.folder))
        if not setup.aigc:
            return of_source
        producer = setup.producer or f"longtake-{self._installation}"
        if of_clip is not None and plan.operation is Operation.CREATE:
            return passed_on(of_clip, producer, task)
        return labelled(producer, task, of_source)


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """What is said of one job's result."""

    task: str
    plan: Plan
    origin: Origin
    setup: ProvenanceSetup | None
    installation: str
    tags: dict[str, str] = field(default_factory=dict[str, str])
    """For the file's metadata."""
    made_us: int | None = None
    """How much of the new part this job made; None = all of it, as where it is not made in segments."""

    def sign(self, outputs: Outputs, made: Assembled, *, interim: bool) -> tuple[ProvenanceReport, tuple[str, ...]]:
        """Sign the result and its new part, which are complete; what was written, and warnings.

        What a further segment follows is signed as well, without its new part: so each segment's maker stays in the
        chain. A result that cannot be signed is delivered all the same, with a warning: it has been paid for.
        """
        signed_by: Literal["", "installation", "operator"] = ""
        warnings: tuple[str, ...] = ()
        if self.setup is not None and self.setup.c2pa:
            try:
                self._sign(self.setup, outputs, made, interim=interim)
                signed_by = "operator" if self.setup.certificates else "installation"
            except (MediaError, OSError) as error:
                why = error.message if isinstance(error, MediaError) else f"{error.strerror}"
                _log.warning("task %s: not signed: %s", self.task, why)
                warnings = (f"c2pa_failed: the result has no Content Credentials: {why}",)
        report = ProvenanceReport(c2pa=signed_by, aigc=self.tags.get(TAG, ""), source_type=source_type(self.plan))
        return report, warnings

    def _sign(self, setup: ProvenanceSetup, outputs: Outputs, made: Assembled, *, interim: bool) -> None:
        # The library is 50 MB: a child that signs nothing does not load it.
        from longtake.media.credentials import Ingredient, has_credentials, memory_needed_bytes, sign  # noqa: PLC0415
        from longtake.render.identity import given_identity, own_identity  # noqa: PLC0415

        if memory_needed_bytes(outputs.part(Role.VIDEO)) > outputs.memory_bytes - _WITHOUT_SIGNING_BYTES:
            # The library has no way to fail here but to end the child.
            raise MediaError(
                f"a file of this size needs more memory than the {outputs.memory_bytes} bytes of a render child; "
                "tell the operator (LONGTAKE_CHILD_MEMORY_BYTES)"
            )
        if setup.certificates:
            identity = given_identity(Path(setup.certificates), Path(setup.key))
        else:
            identity = own_identity(Path(setup.folder), self.installation)
        origin, ingredients = self.origin, list[Ingredient]()
        if origin.source is not None:
            title = f"source {self.plan.source_asset_id or ''}".rstrip()
            ingredients.append(Ingredient(path=origin.source, name=_SOURCE, title=title, relationship="parentOf"))
        # What a provider has signed itself stays in the chain; what it has not tells nothing.
        if origin.clip is not None and has_credentials(origin.clip):
            relationship = "componentOf" if origin.source is not None else "parentOf"
            title = f"clip of {self.plan.maker.provider}"
            ingredients.append(Ingredient(path=origin.clip, name=_CLIP, title=title, relationship=relationship))
        actions = self._actions(made, [one.name for one in ingredients])
        sign(outputs.part(Role.VIDEO), self._statement("video.mp4", actions), ingredients, identity)
        if made.new_part_facts is not None and not interim:
            created = self._action("c2pa.created", generated=True)
            sign(outputs.part(Role.NEW_PART), self._statement("new_part.mp4", [created]), (), identity)

    def _actions(self, made: Assembled, ingredients: Sequence[str]) -> list[dict[str, object]]:
        """What was done, in order."""
        if self.plan.operation is Operation.CREATE:
            if _CLIP not in ingredients:
                return [self._action("c2pa.created", generated=True)]
            opened = self._action("c2pa.opened", ingredients=[_CLIP])
            return [opened, self._action("c2pa.repackaged" if made.copied else "c2pa.transcoded")]
        actions = [self._action("c2pa.opened", ingredients=[_SOURCE])]
        if self.plan.operation is Operation.REMIX:
            whole = _region(0, made.facts.duration_us, self._made_by())
            return [*actions, self._action("c2pa.edited", generated=True, changes=whole)]
        made_us = made.new_part_facts.duration_us if made.new_part_facts else 0
        begins_us = made.facts.duration_us - (self.made_us or made_us)
        if self.plan.start_us < self.origin.source_us:
            kept = _region(0, begins_us, "kept of the source")
            actions.append(self._action("c2pa.trimmed", changes=kept))
        if not self.plan.geometry_kept:
            actions.append(self._action("c2pa.resized"))
        if made.head is None or not made.head.copied:
            actions.append(self._action("c2pa.transcoded"))
        new = _region(begins_us, made.facts.duration_us, self._made_by())
        if _CLIP in ingredients:
            return [*actions, self._action("c2pa.placed", ingredients=[_CLIP], generated=True, changes=new)]
        return [*actions, self._action("c2pa.edited", generated=True, changes=new)]

    def _action(
        self,
        name: str,
        *,
        ingredients: Sequence[str] = (),
        generated: bool = False,
        changes: Sequence[dict[str, object]] = (),
    ) -> dict[str, object]:
        maker = self.plan.maker
        action: dict[str, object] = {"action": name, "when": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
        parameters: dict[str, object] = {"ingredientIds": list(ingredients)} if ingredients else {}
        if generated:
            action["digitalSourceType"] = _TERMS + source_type(self.plan)
            action["softwareAgent"] = {"name": maker.model}
            parameters |= {"com.longtake.provider": maker.provider, "com.longtake.mode": maker.mode.value}
        else:
            action["softwareAgent"] = {"name": "longtake", "version": __version__}
        if changes:
            action["changes"] = list(changes)
        if parameters:
            action["parameters"] = parameters
        return action

    def _statement(self, title: str, actions: Sequence[dict[str, object]]) -> dict[str, object]:
        plan = self.plan
        generation = {
            "task": self.task,
            "operation": plan.operation.value,
            "provider": plan.maker.provider,
            "model": plan.maker.model,
            "mode": plan.maker.mode.value,
            "start_us": plan.start_us,
            "new_us": plan.new_us,
            "installation": self.installation,
        }
        return {
            "title": title,
            "format": "video/mp4",
            "claim_generator_info": [{"name": "longtake", "version": __version__}],
            "assertions": [
                {"label": "c2pa.actions.v2", "created": True, "data": {"actions": list(actions)}},
                {"label": _GENERATION, "created": True, "data": generation},
            ],
        }

    def _made_by(self) -> str:
        maker = self.plan.maker
        return f"made by {maker.model} ({maker.provider}, {maker.mode.value})"


def source_type(plan: Plan) -> Literal["trainedAlgorithmicMedia", "algorithmicMedia"]:
    """What the new pictures are, by the IPTC's digital source types. What nobody knows counts as trained."""
    maker = plan.maker
    trained = maker.is_remote or shipped_catalog().is_trained(maker.engine)
    return "trainedAlgorithmicMedia" if trained else "algorithmicMedia"


def _region(begins_us: int, ends_us: int, description: str) -> list[dict[str, object]]:
    """A stretch of the file, as an action's changes."""
    time = {"type": "npt", "start": f"{begins_us / SECOND_US:.6f}", "end": f"{ends_us / SECOND_US:.6f}"}
    return [{"region": [{"type": "temporal", "time": time}], "description": description}]
