# SPDX-License-Identifier: Apache-2.0
"""A task's files, opened to be read: which one is meant, whether there is one, and whether it is still there."""

from __future__ import annotations

from longtake.errors import AssetGone, TaskNotFinished, TaskNotFound
from longtake.lifecycle import state_of
from longtake.storage.base import Blob, Storage
from longtake.store.base import Store
from longtake.tasks.known_files import KnownFiles
from longtake.types import Asset, Role, Step, Value


class Opened(Value, frozen=True):
    """A file to be sent, read by positions. The caller closes the blob's descriptor."""

    asset: Asset
    blob: Blob


class Opening:
    """Opens files. Players read one in hundreds of ranges, between which nothing is written: what is known is kept."""

    def __init__(self, store: Store, storage: Storage) -> None:
        self._store = store
        self._storage = storage
        self._known = KnownFiles()

    async def of_task(self, tenant_id: str, task_id: str, role: Role) -> Opened:
        """A task's file. Raises TaskNotFound, TaskNotFinished, and AssetGone if it has no such file (any more)."""
        whose, version = (tenant_id, task_id, role), self._store.version
        asset = self._known.get(whose, version)
        if asset is None:
            asset = await self._asset_of(tenant_id, task_id, role)
            self._known.put(whose, version, asset)
        return self._opened(asset)

    async def by_id(self, asset_id: str) -> Opened:
        """A file by its id, whoever owns it. Raises AssetGone."""
        named, version = ("", asset_id, None), self._store.version
        asset = self._known.get(named, version) or await self._store.asset(asset_id)
        if asset is None:
            raise AssetGone("this file was deleted or has expired")
        self._known.put(named, version, asset)
        return self._opened(asset)

    async def _asset_of(self, tenant_id: str, task_id: str, role: Role) -> Asset:
        task = await self._store.task(tenant_id, task_id)
        if task is None:
            raise unknown_task()
        if task.step is not Step.SUCCEEDED:
            raise TaskNotFinished(f"Task is not completed yet, current status: {state_of(task.step).value}", param="id")
        asset = task.assets.get(role)
        if asset is None:
            raise AssetGone(f"this task has no {role.value} (any more)", param="variant")
        return asset

    def _opened(self, asset: Asset) -> Opened:
        blob = self._storage.open_again(asset.id)
        if blob is None:
            raise AssetGone("this file is not in storage any more")
        return Opened(asset=asset, blob=blob)


def unknown_task() -> TaskNotFound:
    """The refusal of an id that is no task of the caller's tenant, whether it is another's or nobody's."""
    message = "no such task for this key: GET /v1/tasks lists those there are"
    return TaskNotFound(message, message_zh="此密钥下没有该任务", param="id")
