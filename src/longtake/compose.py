# SPDX-License-Identifier: Apache-2.0
"""The one place that names concrete classes: settings in, running services out."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from longtake.accounts import ConfiguredAccount, read_accounts, read_aliases, remark_on
from longtake.billing.tariffs import Tariffs, read_prices
from longtake.catalog.catalog import LONGTAKE_CPU, shipped_catalog
from longtake.egress.access import Access
from longtake.egress.client import Egress
from longtake.errors import ConfigurationError, ServiceError, StoreFailed
from longtake.http.auth import key_of_secret, new_secret
from longtake.providers.base import Account, HasOrigins
from longtake.providers.options import check_options
from longtake.providers.registry import find_provider
from longtake.render.local import LocalFleet
from longtake.render.messages import ProvenanceSetup
from longtake.render.trial import try_net
from longtake.routing.key_files import KeyFile
from longtake.routing.live_accounts import LiveAccount, LiveAccounts
from longtake.routing.makers import Makers, stands_in
from longtake.routing.names import ModelNames
from longtake.routing.reach import why_no_links, within_reach
from longtake.routing.spending import budget_of, costs_of, known_cost
from longtake.settings import LEAST_STRONG_KEY_CHARS, Settings, check_settings
from longtake.storage.local import LocalStorage
from longtake.store.base import Installation, Store
from longtake.store.sqlite import SqliteStore
from longtake.tasks.clock import now_ms
from longtake.tasks.input_links import InputLinks
from longtake.tasks.key_watch import KeyWatch
from longtake.tasks.provider_desk import ProviderDesk
from longtake.tasks.remote import MadeHere, Remote
from longtake.tasks.sample import seed_sample
from longtake.tasks.scheduler import Scheduler
from longtake.tasks.service import TaskService
from longtake.tasks.standing import restore

FIRST_TENANT = "default"
"""Who owns what exists before anybody made a second tenant: the admin key, the sample, the local commands' tasks."""

GIVEN_KEY_NAME = "LONGTAKE_ADMIN_KEY"
WEAK_KEY_NAME = "LONGTAKE_ADMIN_KEY (weak)"
FIRST_KEY_NAME = "first admin key"
_logger = logging.getLogger("longtake.compose")


@dataclass(frozen=True)
class Services:
    """Everything that works, ready to serve."""

    settings: Settings
    installation: Installation
    store: Store
    storage: LocalStorage
    fleet: LocalFleet
    egress: Egress
    scheduler: Scheduler
    service: TaskService
    providers: ProviderDesk
    links: InputLinks

    async def ready(self) -> None:
        """Raise ServiceError if the record cannot be written, the files are gone, or the scheduler has ended."""
        await self.store.check()
        await asyncio.to_thread(self._check_storage)
        if not self.scheduler.running:
            raise ServiceError("the scheduler is not running: restart the server and look at its log")

    def _check_storage(self) -> None:
        try:
            self.storage.check(self.installation.storage_marker, create=False)
        except (ConfigurationError, OSError) as error:
            raise StoreFailed("the storage folder cannot be used: see the server's log") from error


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    sample: bool = True,
    first_key: Callable[[str], None] | None = None,
    run_key: tuple[str, str] | None = None,
) -> AsyncGenerator[Services]:
    """Open everything, work until the block ends, close in order.

    On a home without any key, `first_key` is given the secret of a new admin key, once; with None none is made.
    `run_key`, a name and a secret, is an admin key of the first tenant for this run; an earlier one of that name is
    revoked. Raises ConfigurationError where the settings or the home do not fit.
    """
    check_settings(settings)
    catalog, configured = shipped_catalog(), read_accounts(settings)
    offered = [name for account in configured for name in account.settings.models_by_name]
    names = ModelNames(catalog, offered, read_aliases(settings))
    tariffs = Tariffs(catalog, await asyncio.to_thread(read_prices, settings), others=offered)
    for account in configured:
        if remark := remark_on(account.settings, has_key=not account.needs_key):
            _logger.warning("provider %r gets no jobs: %s", account.settings.name, remark)
    accounts = LiveAccounts([_live_account(account, tariffs, settings.public_url) for account in configured])
    if settings.upscale_model:
        await asyncio.to_thread(try_net, settings.upscale_model, settings.child_memory_bytes)
    _make_home(settings.home)
    store = SqliteStore(settings.home / "longtake.sqlite", retention_s=settings.retention_s)
    storage_root = settings.home / "storage"
    storage = LocalStorage(storage_root)
    installation = await store.open()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        is_new = not (await store.asset_ids())
        await asyncio.to_thread(storage.check, installation.storage_marker, create=is_new)
        await _check_keys(store, settings, first_key, run_key[0] if run_key else "")
        if run_key is not None:
            await _add_run_key(store, *run_key)
        fleet = LocalFleet(
            storage=f"{LocalStorage.__module__}:{LocalStorage.__qualname__}",
            root=storage_root,
            render_slots=settings.render_slots,
            child_idle_s=settings.child_idle_s,
            preset=settings.preset,
            crf=settings.crf,
            upscale_model=settings.upscale_model,
            provenance=_provenance(settings),
        )
        stack.push_async_callback(fleet.close)
        await restore(store, accounts)
        links = InputLinks(installation.url_secret, public_url=settings.public_url, store=store, storage=storage)
        egress = Egress.of(settings)
        stack.push_async_callback(egress.close)
        stand_in = stands_in(settings, providers=len(configured))
        makers = Makers(catalog, stand_in=stand_in, accounts=accounts, names=names, most_segments=settings.max_segments)
        local = {
            model.name: MadeHere(
                maker=found.maker, capability=found.capability, tariff=tariffs.of(found.maker, model.name)
            )
            for model in catalog
            if (found := makers.here(model.name)) is not None
        }
        remote = Remote(accounts=accounts, egress=egress, names=names, local=local, links=links) if configured else None
        if makers.stand_in:
            _logger.info("no provider is set up: %s stands in for the models of others", LONGTAKE_CPU)
        service = TaskService(
            store=store,
            storage=storage,
            fleet=fleet,
            makers=makers,
            settings=settings,
            tariffs=tariffs,
            egress=egress,
            remote=remote,
        )
        scheduler = Scheduler(
            store=store, storage=storage, fleet=fleet, settings=settings, service=service, remote=remote
        )
        stack.push_async_callback(scheduler.close)
        await scheduler.start()
        watch = KeyWatch(accounts)
        stack.push_async_callback(watch.close)
        watch.start()
        if sample:
            await seed_sample(store=store, service=service, tenant_id=FIRST_TENANT)
        yield Services(
            settings=settings,
            installation=installation,
            store=store,
            storage=storage,
            fleet=fleet,
            egress=egress,
            scheduler=scheduler,
            service=service,
            providers=ProviderDesk(remote, makers, store, service.planner),
            links=links,
        )


def _live_account(configured: ConfiguredAccount, tariffs: Tariffs, public_url: str) -> LiveAccount:
    """Raises ConfigurationError for a spend cap over a model whose cost nobody knows."""
    settings = configured.settings
    try:
        adapter = find_provider(settings.kind)
    except ConfigurationError as error:
        raise ConfigurationError(f"provider {settings.name!r} in longtake.toml: {error.message}") from error
    account = Account(name=settings.name, base_url=settings.base_url.rstrip("/"), options=settings.options)
    check_options(adapter, account)
    adapter.counts_once(account)  # so that a value it cannot read stops the start, not the first job
    no_links = why_no_links(public_url, account.base_url)
    able = {
        ours: within_reach(adapter.abilities(account, theirs), no_links)
        for ours, theirs in settings.models_by_name.items()
    }
    abilities = {ours: abilities for ours, (abilities, _) in able.items()}
    budget = budget_of(settings)
    costs = {ours: known_cost(found, tariffs.of_provider(ours)) for ours, found in abilities.items()}
    costs |= costs_of(settings)
    unknown = next((ours for ours, cost in costs.items() if cost is None), None)
    if budget is not None and unknown is not None:
        raise ConfigurationError(
            f"provider {settings.name!r} in longtake.toml has spend_cap_usd, but nobody knows what {unknown!r} costs "
            f'there: add cost_usd_per_second = {{ "{unknown}" = "0.10" }}, or a table [prices."{unknown}"]'
        )

    def access_with(key: str) -> Access:
        return Access.to(
            account.base_url,
            *(adapter.origins(account) if isinstance(adapter, HasOrigins) else ()),
            headers=adapter.credential(account, key) if key else None,
            key=key,
            file_hosts=settings.file_hosts,
        )

    key = configured.api_key
    path = configured.key_path
    return LiveAccount(
        settings=settings,
        adapter=adapter,
        account=account,
        access=access_with(key),
        key_file=None if path is None else KeyFile(path, key, access_with),
        abilities=abilities,
        notes={ours: note for ours, (_, note) in able.items() if note},
        has_key=not configured.needs_key,
        budget=budget,
        costs={ours: cost for ours, cost in costs.items() if cost is not None},
    )


def _make_home(home: Path) -> None:
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"the home folder {str(home)!r} cannot be made ({error.strerror}): name another with --home",
            param="home",
        ) from error


def _provenance(settings: Settings) -> ProvenanceSetup:
    return ProvenanceSetup(
        folder=str(settings.home / "provenance"),
        c2pa=settings.c2pa == "on",
        aigc=settings.aigc == "on",
        producer=settings.aigc_producer,
        certificates=str(Path(settings.c2pa_cert).expanduser().absolute()) if settings.c2pa_cert else "",
        key=str(Path(settings.c2pa_key).expanduser().absolute()) if settings.c2pa_key else "",
    )


async def _check_keys(
    store: Store, settings: Settings, first_key: Callable[[str], None] | None, run_key_name: str
) -> None:
    """See that there is an admin key, and on a public bind no weak one."""
    if settings.admin_key:
        await _take_given_key(store, settings.admin_key)
    living = [key for key in await store.keys() if key.revoked_ms is None and key.name != run_key_name]
    if not settings.is_loopback and any(key.name == WEAK_KEY_NAME for key in living):
        raise ConfigurationError(
            "this home has a key that is too weak for a public bind, once given as LONGTAKE_ADMIN_KEY: give a strong "
            f"one of at least {LEAST_STRONG_KEY_CHARS} characters instead, or revoke it with `longtake keys revoke`",
            param="admin_key",
        )
    if not living and first_key is not None:
        secret = new_secret()
        await store.add_key(key_of_secret(secret, tenant_id=FIRST_TENANT, name=FIRST_KEY_NAME, admin=True))
        first_key(secret)


async def _take_given_key(store: Store, secret: str) -> None:
    """Make LONGTAKE_ADMIN_KEY an admin key, and revoke what the variable held before."""
    name = GIVEN_KEY_NAME if len(secret) >= LEAST_STRONG_KEY_CHARS else WEAK_KEY_NAME
    key = key_of_secret(secret, tenant_id=FIRST_TENANT, name=name, admin=True)
    for old in await store.keys(FIRST_TENANT):
        is_given = old.name in {GIVEN_KEY_NAME, WEAK_KEY_NAME}
        if is_given and old.digest != key.digest and old.revoked_ms is None:
            await store.revoke_key(old.id, now_ms())
    await store.add_key(key)
    if await store.key(key.digest) is None:
        raise ConfigurationError(
            "LONGTAKE_ADMIN_KEY holds a key that was revoked: set it to a new one, or unset it", param="admin_key"
        )


async def _add_run_key(store: Store, name: str, secret: str) -> None:
    for old in await store.keys(FIRST_TENANT):
        if old.name == name and old.revoked_ms is None:
            await store.revoke_key(old.id, now_ms())
    await store.add_key(key_of_secret(secret, tenant_id=FIRST_TENANT, name=name, admin=True))
