-- SPDX-License-Identifier: Apache-2.0
-- All tables. Moments are integer milliseconds since the Unix epoch (_ms), money is integer micro-USD (_microusd).
-- JSON columns hold the values of types.py: submission, plan, report, fault, facts.

create table installation (
    id integer primary key check (id = 1),
    url_secret blob not null,
    storage_marker text not null,
    created_ms integer not null,
    checked_ms integer not null
) strict;

create table tenants (
    id text primary key,
    created_ms integer not null
) strict, without rowid;

create table keys (
    id text primary key,
    tenant text not null,
    digest blob not null unique,
    name text not null,
    hint text not null,
    created_ms integer not null,
    admin integer not null,
    revoked_ms integer
) strict;
create index keys_of_tenant on keys (tenant, created_ms);

-- `number` is the order of submission. `slot` is what the step needs of a node (lifecycle.slot_of), null where nothing
-- works on the task. An unfinished task has no finished_ms. `owner` and `fence` say whose writes count.
create table tasks (
    number integer primary key,
    id text not null unique,
    uuid text not null unique,
    tenant text not null,
    key text not null,
    operation text not null,
    step text not null,
    slot text,
    listed integer not null,
    progress integer not null,
    sequence integer not null,
    parent text,
    group_id text,
    created_ms integer not null,
    updated_ms integer not null,
    started_ms integer,
    finished_ms integer,
    deadline_ms integer not null,
    expires_ms integer,
    next_ms integer not null,
    owner text,
    fence integer not null,
    attempt integer not null,
    cancel_requested_ms integer,
    hold_microusd integer not null,
    cost_microusd integer not null,
    price_rule text not null,
    settlement text not null default 'open',
    submission text not null,
    plan text not null,
    report text,
    fault text,
    deleted_ms integer
) strict;
create index tasks_listed on tasks (tenant, number) where listed = 1 and deleted_ms is null;
create index tasks_unlisted on tasks (tenant, number) where listed = 0 and deleted_ms is null;
create index tasks_due on tasks (slot, tenant, number, next_ms) where owner is null and slot is not null;
create index tasks_next on tasks (next_ms) where owner is null and slot is not null;
create index tasks_owned on tasks (tenant) where owner is not null;
create index tasks_children on tasks (parent) where parent is not null;
create index tasks_waiting on tasks (parent) where step = 'waiting';
create index tasks_deadline on tasks (deadline_ms) where finished_ms is null;
create index tasks_expiry on tasks (expires_ms) where expires_ms is not null and deleted_ms is null;

-- One row for each try: a call to a maker, or a run of our own. The primary key is the rule that a try starts once.
create table jobs (
    task text not null,
    segment integer not null,
    attempt integer not null,
    provider text not null,
    account text not null,
    state text not null check (state in ('open', 'succeeded', 'failed', 'cancelled', 'lost')),
    caller_key text not null,
    handle text not null default '',
    native text not null default '',
    cost_microusd integer not null default 0,
    started_ms integer not null,
    ended_ms integer,
    poll_ms integer,
    deadline_ms integer not null,
    primary key (task, segment, attempt)
) strict, without rowid;
create index jobs_open on jobs (task) where state = 'open';

create table assets (
    id text primary key,
    tenant text not null,
    mime text not null,
    size_bytes integer not null,
    sha256 text not null,
    filename text not null,
    facts text,
    created_ms integer not null,
    deleted_ms integer
) strict, without rowid;

-- What an asset is to a task: a result belongs to it, an input is only read.
create table task_assets (
    task text not null,
    purpose text not null check (purpose in ('result', 'input')),
    role text not null,
    asset text not null,
    primary key (task, purpose, role, asset)
) strict, without rowid;
create index task_assets_of_asset on task_assets (asset);

create table idempotency (
    tenant text not null,
    operation text not null,
    key text not null,
    fingerprint blob not null,
    task text not null,
    expires_ms integer not null,
    primary key (tenant, operation, key)
) strict, without rowid;
create index idempotency_expiry on idempotency (expires_ms);

-- Signed amounts: the sum over a tenant's rows is its balance. A primary key makes moving money twice impossible.
-- Adjustments belong to no task: their `task` is 'tenant:' and the tenant.
create table ledger (
    task text not null,
    kind text not null check (kind in ('hold', 'capture', 'release', 'adjust')),
    seq integer not null,
    tenant text not null,
    amount_microusd integer not null,
    at_ms integer not null,
    primary key (task, kind, seq)
) strict, without rowid;

create table balances (
    tenant text primary key,
    amount_microusd integer not null check (amount_microusd >= 0)
) strict, without rowid;

-- How much of something is in use, such as ('active', tenant): unfinished tasks.
create table counters (
    dimension text not null,
    key text not null,
    used integer not null check (used >= 0),
    primary key (dimension, key)
) strict, without rowid;

create table rates (
    key text primary key,
    tokens real not null,
    at_ms integer not null
) strict, without rowid;

create table nodes (
    id text primary key,
    slots text not null,
    started_ms integer not null,
    expires_ms integer not null
) strict, without rowid;

-- What is to be told to the outside, written with the change it tells of.
create table outbox (
    id integer primary key,
    task text not null,
    event text not null,
    url text not null,
    next_ms integer not null,
    tries integer not null default 0,
    delivered_ms integer,
    unique (task, event)
) strict;
create index outbox_due on outbox (next_ms) where delivered_ms is null;

-- The steps a task has gone through.
create table events (
    task text not null,
    sequence integer not null,
    step text not null,
    at_ms integer not null,
    primary key (task, sequence)
) strict, without rowid;
