-- SPDX-License-Identifier: Apache-2.0
-- The statements of the SQLite store. A line `-- name --` begins a statement; comments below it say why it is so.
-- `{task}` stands for the statement named `task`: the columns of a task row, in the order of rows.TaskRow.

-- task --
tasks.id, tasks.tenant, tasks.key, tasks.step, tasks.listed, tasks.progress, tasks.sequence, tasks.parent,
tasks.group_id, tasks.created_ms, tasks.updated_ms, tasks.started_ms, tasks.finished_ms, tasks.deadline_ms,
tasks.expires_ms, tasks.next_ms, tasks.owner, tasks.fence, tasks.attempt, tasks.cancel_requested_ms,
tasks.hold_microusd, tasks.cost_microusd, tasks.price_rule, tasks.submission, tasks.plan, tasks.report, tasks.fault,
(
    select json_group_object(
        task_assets.role,
        json_object(
            'id', assets.id, 'tenant_id', assets.tenant, 'mime', assets.mime, 'size_bytes', assets.size_bytes,
            'sha256', assets.sha256, 'filename', assets.filename, 'created_ms', assets.created_ms,
            'facts', json(assets.facts)
        )
    )
    from task_assets join assets on assets.id = task_assets.asset
    where task_assets.task = tasks.id and task_assets.purpose = 'result' and assets.deleted_ms is null
) as assets

-- installation --
select url_secret, storage_marker, created_ms from installation

-- insert_installation --
insert into installation (id, url_secret, storage_marker, created_ms, checked_ms)
values (1, :url_secret, :storage_marker, :now_ms, :now_ms)

-- check_room --
-- Two pages at least, so that a file that may not grow says so; rolled back by the caller.
insert into counters (dimension, key, used) values ('check', hex(zeroblob(16384)), 0)

-- check_write --
update installation set checked_ms = :now_ms

-- insert_tenant --
insert into tenants (id, created_ms) values (:tenant, :now_ms) on conflict do nothing

-- insert_key --
insert into keys (id, tenant, digest, name, hint, created_ms, admin, revoked_ms, adopt)
values (:id, :tenant_id, :digest, :name, :hint, :created_ms, :admin, :revoked_ms, :adopt)
on conflict (digest) do nothing

-- key_by_digest --
select id, tenant, digest, name, hint, created_ms, admin, revoked_ms, adopt from keys
where digest = :digest and revoked_ms is null

-- key_by_id --
select id, tenant, digest, name, hint, created_ms, admin, revoked_ms, adopt from keys
where id = :id and revoked_ms is null

-- keys --
select id, tenant, digest, name, hint, created_ms, admin, revoked_ms, adopt from keys
where :tenant is null or tenant = :tenant
order by created_ms, rowid

-- revoke_key --
update keys set revoked_ms = coalesce(revoked_ms, :now_ms) where id = :id returning id

-- idempotent_task --
-- The answer of a deleted task is gone with it: its key may be used again.
select idempotency.fingerprint, tasks.uuid
from idempotency join tasks on tasks.uuid = idempotency.task
where idempotency.tenant = :tenant and idempotency.operation = :operation and idempotency.key = :key
    and idempotency.expires_ms > :now_ms and tasks.deleted_ms is null

-- insert_idempotency --
insert or replace into idempotency (tenant, operation, key, fingerprint, task, expires_ms)
values (:tenant, :operation, :key, :fingerprint, :task, :expires_ms)

-- forget_idempotency --
delete from idempotency where expires_ms <= :now_ms

-- taken_id --
-- Whether any of these spellings of an id is a task's, or names a job of another tenant. The expressions are those of
-- the indices; a deleted task's row and jobs stay, so that what was somebody's never becomes another's.
select 1 from tasks where uuid in (select value from json_each(:spellings))
union all
select 1 from jobs join tasks on tasks.id = jobs.task
where jobs.handle <> ''
    and lower(substr(jobs.handle, length(rtrim(jobs.handle, replace(jobs.handle, ':', ''))) + 1))
        in (select value from json_each(:spellings))
    and tasks.tenant <> :tenant
union all
select 1 from jobs join tasks on tasks.id = jobs.task
where jobs.state = 'succeeded' and json_valid(jobs.native)
    and lower(substr(
        json_extract(jobs.native, '$.id'),
        length(rtrim(json_extract(jobs.native, '$.id'), replace(json_extract(jobs.native, '$.id'), ':', ''))) + 1
    )) in (select value from json_each(:spellings))
    and tasks.tenant <> :tenant
limit 1

-- take_token --
-- No row comes back where less than one is left. The bucket fills while nobody takes; a clock set back fills nothing.
insert into rates (key, tokens, at_ms) values (:key, :most - 1, :now_ms)
on conflict (key) do update set
    tokens = min(:most, tokens + max(0, :now_ms - at_ms) * :most / :fills_ms) - 1, at_ms = :now_ms
where min(:most, tokens + max(0, :now_ms - at_ms) * :most / :fills_ms) >= 1
returning tokens

-- tokens --
select min(:most, tokens + max(0, :now_ms - at_ms) * :most / :fills_ms) from rates where key = :key

-- parent_step --
select step, finished_ms from tasks where uuid = :uuid and tenant = :tenant and deleted_ms is null

-- active --
select used from counters where dimension = 'active' and key = :tenant

-- free_place --
update counters set used = used - 1 where dimension = 'active' and key = :tenant and used > 0

-- change_balance --
-- Only who pays in advance has one; the table's check refuses what would leave less than nothing.
update balances set amount_microusd = amount_microusd + :amount where tenant = :tenant
returning amount_microusd

-- open_balance --
insert into balances (tenant, amount_microusd) values (:tenant, :amount)
returning amount_microusd

-- close_balance --
delete from balances where tenant = :tenant
returning amount_microusd

-- lower_hold --
-- The tenant, how much is held too much, and the number of the row that gives it back; nothing where nothing is.
select tenant, hold_microusd - :amount, (select max(seq) + 1 from ledger where task = tasks.id and kind = 'hold')
from tasks where id = :task and hold_microusd > :amount

-- lower_task_hold --
update tasks set hold_microusd = :amount where id = :task

-- balance --
select amount_microusd from balances where tenant = :tenant

-- insert_ledger --
insert into ledger (task, kind, seq, tenant, amount_microusd, at_ms)
values (:task, :kind, :seq, :tenant, :amount, :now_ms)

-- next_adjustment --
select coalesce(max(seq), -1) + 1 from ledger where task = :task and kind = 'adjust'

-- payment --
select amount_microusd from ledger where task = :task and kind = 'adjust' and seq = 0

-- sums --
select kind, sum(amount_microusd) from ledger where tenant = :tenant and amount_microusd <> 0 group by kind

-- other_open_job --
select 1 from jobs
where task = :task and state = 'open' and attempt <> :attempt
limit 1

-- billed --
-- What makers took for work that was called off; what failed or was lost is the operator's loss. A job that was done
-- was billed: where its maker never named the cost, the expected one counts.
select coalesce(sum(
    case when state = 'succeeded' and cost_microusd = 0 then expected_microusd else cost_microusd end
), 0)
from jobs where task = :task and state in ('cancelled', 'succeeded')

-- full_id --
select id from tasks where uuid = :uuid

-- resolve_job --
update jobs set state = :state, native = :native, cost_microusd = :cost_microusd, ended_ms = :now_ms
where task = :task and attempt = :attempt and state = 'open'
returning 1

-- late_cost --
update jobs set cost_microusd = max(cost_microusd, :cost_microusd)
where task = :task and attempt = :attempt

-- settleable --
select id, tenant, hold_microusd from tasks
where id = :task and finished_ms is not null and settlement = 'open'
    and not exists (select 1 from jobs where jobs.task = tasks.id and jobs.state = 'open')

-- is_settling --
select 1 from tasks where settlement = 'open' and finished_ms is not null and finished_ms <= :ended_ms limit 1

-- settle_overdue --
select id, tenant, hold_microusd from tasks
where settlement = 'open' and finished_ms is not null and finished_ms <= :ended_ms

-- lose_jobs_of --
update jobs set state = 'lost', ended_ms = :now_ms where task = :task and state = 'open'

-- close_settlement --
update tasks set settlement = 'closed', cost_microusd = :captured, sequence = sequence + 1, updated_ms = :now_ms
where id = :task

-- ledger_counts --
select
    (select count(*) from balances), (select count(*) from tasks where not (step = 'succeeded' and attempt = 0)),
    (select count(*) from ledger), (select count(*) from tasks where settlement = 'open')

-- ledger_problems --
-- One row for each thing that does not add up: the rule, whose, what stands there, what should.
with
money as (
    select
        task,
        sum(case kind when 'hold' then -amount_microusd else 0 end) as held,
        sum(case kind when 'release' then amount_microusd else 0 end) as released,
        sum(case kind when 'capture' then -amount_microusd else 0 end) as captured,
        count(*) filter (where kind = 'hold' and seq = 0) as holds,
        count(*) filter (where kind = 'release') as releases,
        count(*) filter (where kind = 'capture') as captures,
        count(*) filter (where kind = 'adjust') as adjusts,
        min(tenant) as tenant
    from ledger group by task
),
told as (
    select
        tasks.id, tasks.tenant, tasks.step, tasks.settlement, tasks.finished_ms, tasks.hold_microusd as hold,
        tasks.cost_microusd as cost, money.*
    from tasks left join money on money.task = tasks.id
    -- What came with its result, such as an upload, never cost anything.
    where not (tasks.step = 'succeeded' and tasks.attempt = 0)
),
problems as (
    select 'balance' as kind, balances.tenant as subject, balances.amount_microusd as found,
        coalesce(sum(ledger.amount_microusd), 0) as wanted
    from balances left join ledger on ledger.tenant = balances.tenant and ledger.amount_microusd <> 0
    group by balances.tenant having found <> wanted
    union all
    select 'one hold', id, coalesce(holds, 0), 1 from told where coalesce(holds, 0) <> 1
    union all
    select 'hold', id, held, hold from told where held <> hold
    union all
    select 'one release', id, coalesce(releases, 0), settlement = 'closed' from told
    where coalesce(releases, 0) <> (settlement = 'closed')
    union all
    select 'one capture', id, coalesce(captures, 0), settlement = 'closed' from told
    where coalesce(captures, 0) <> (settlement = 'closed')
    union all
    select 'release', id, released, hold from told where settlement = 'closed' and released <> hold
    union all
    select 'capture', id, captured, cost from told where settlement = 'closed' and captured <> cost
    union all
    select 'more than held', id, cost, hold from told where cost > hold
    union all
    select 'unearned', id, cost, 0 from told where step in ('failed', 'expired') and cost <> 0
    union all
    select 'settled too early', id, 1, 0 from told where settlement = 'closed' and finished_ms is null
    union all
    select 'not settled', id, 1, 0 from told where settlement = 'open' and finished_ms <= :ended_ms
    union all
    select 'not settled', id, 1, 0 from told
    where settlement = 'open' and finished_ms is not null
        and not exists (select 1 from jobs where jobs.task = told.id and jobs.state = 'open')
    union all
    select 'orphan', money.task, holds + releases + captures, 0 from money
    where holds + releases + captures > 0 and not exists (select 1 from tasks where tasks.id = money.task)
    union all
    select 'another tenant', ledger.task, 1, 0 from ledger join tasks on tasks.id = ledger.task
    where ledger.tenant <> tasks.tenant
)
select kind, subject, found, wanted from problems limit :most

-- insert_task --
-- The last cell is who claims it with that, if nothing else is due for a slot of its kind. What an open task takes of
-- its tenant is written by a trigger; the table's check refuses it where too little is left of a balance.
with claim (is_made) as materialized (
    select ?32 is not null and not exists (
        select 1 from tasks as other
        where other.owner is null and other.slot is not null and other.slot = ?7 and other.next_ms <= ?13
    )
)
insert into tasks (
    id, uuid, tenant, key, operation, step, slot, listed, progress, sequence, parent, group_id, created_ms, updated_ms,
    started_ms, finished_ms, deadline_ms, expires_ms, next_ms, owner, fence, attempt, cancel_requested_ms,
    hold_microusd, cost_microusd, price_rule, submission, plan, report, fault, settlement
)
select
    ?1, ?2, ?3, ?4, ?5, iif(is_made, 'preparing', ?6), ?7, ?8, ?9, ?10 + is_made, ?11, ?12, ?13, ?14,
    iif(is_made, ?13, ?15), ?16, ?17, ?18, ?19, iif(is_made, ?32, ?20), ?21 + is_made, ?22, ?23,
    ?24, ?25, ?26, ?27, ?28, ?29, ?30, ?31
from claim
returning owner is ?32

-- insert_asset --
insert into assets (id, tenant, mime, size_bytes, sha256, filename, facts, created_ms)
values (:id, :tenant_id, :mime, :size_bytes, :sha256, :filename, :facts, :created_ms)
on conflict (id) do nothing

-- insert_task_asset --
insert or ignore into task_assets (task, purpose, role, asset) values (:task, :purpose, :role, :asset)

-- drop_replaced --
update assets set deleted_ms = :now_ms where deleted_ms is null and id in (
    select asset from task_assets where task = :task and purpose = 'result' and role = :role and asset <> :asset
)

-- unname_result --
delete from task_assets where task = :task and purpose = 'result' and role = :role and asset <> :asset

-- drop_result_assets --
update assets set deleted_ms = :now_ms where deleted_ms is null and id in (
    select asset from task_assets where task = :task and purpose = 'result'
        and role in (select value from json_each(:roles))
)

-- drop_result --
update assets set deleted_ms = :now_ms where deleted_ms is null and id in (
    select asset from task_assets where task = :task and purpose = 'result' and role = :role
)

-- unname_role --
delete from task_assets where task = :task and purpose = 'result' and role = :role

-- unname_results --
delete from task_assets where task = :task and purpose = 'result' and role in (select value from json_each(:roles))

-- drop_orphaned_inputs --
-- Inputs whose own task was deleted while this one still needed them; a running task may still name them as input.
update assets set deleted_ms = :now_ms where deleted_ms is null and id in (
    select needed.asset from task_assets as needed
    where needed.task = :task and needed.purpose = 'input'
        and exists (
            select 1 from task_assets as made join tasks on tasks.id = made.task
            where made.asset = needed.asset and made.purpose = 'result' and tasks.deleted_ms is not null
        )
        and not exists (
            select 1 from task_assets as other join tasks on tasks.id = other.task
            where other.asset = needed.asset and other.task <> :task and tasks.deleted_ms is null
                and (other.purpose = 'result' or tasks.finished_ms is null)
        )
)

-- delete_assets --
update assets set deleted_ms = :now_ms where deleted_ms is null and id in (
    select own.asset from task_assets as own
    where own.task = :task and not exists (
        select 1 from task_assets as other join tasks on tasks.id = other.task
        where other.asset = own.asset and other.task <> :task and tasks.deleted_ms is null
            and (other.purpose = 'result' or tasks.finished_ms is null)
    )
)
returning id

-- drop_input --
-- Of a request that made no task; whatever a task that is not deleted names stays.
update assets set deleted_ms = :now_ms
where id = :id and tenant = :tenant and deleted_ms is null and not exists (
    select 1 from task_assets join tasks on tasks.id = task_assets.task
    where task_assets.asset = assets.id and tasks.deleted_ms is null
)
returning id

-- drop_unnamed --
-- At the start of the file's only owner: whoever staged these for a request is dead.
update assets set deleted_ms = :now_ms
where deleted_ms is null and not exists (
    select 1 from task_assets join tasks on tasks.id = task_assets.task
    where task_assets.asset = assets.id and tasks.deleted_ms is null
)

-- delete_task --
-- The row stays for its id and its money; what its owner had written goes.
update tasks set
    deleted_ms = :now_ms, updated_ms = :now_ms, sequence = sequence + 1,
    submission = '{}', plan = '{}', report = null, fault = null
where uuid = :uuid and finished_ms is not null

-- delete_events --
delete from events where task = :task

-- delete_exchanges --
update jobs set asked = null, answered = null, last_answer = null where task = :task and asked is not null

-- asset --
select id, tenant, mime, size_bytes, sha256, created_ms, filename, facts from assets
where id = :id and deleted_ms is null

-- sha256_of --
select sha256 from assets where id = :id

-- asset_ids --
select id from assets where deleted_ms is null

-- task_by_uuid --
select {task} from tasks where uuid = :uuid and deleted_ms is null

-- known_uuid --
select number from tasks where uuid = :uuid

-- number_of_listed --
-- Also of one that was deleted since it was listed: a page may follow it all the same.
select number from tasks where uuid = :uuid and tenant = :tenant

-- tasks_newest --
select {task} from tasks
where tenant = :tenant and listed = 1 and deleted_ms is null and number < :after
    and (:steps is null or step in (select value from json_each(:steps)))
    and (:operation is null or operation = :operation)
order by number desc limit :limit

-- tasks_oldest --
select {task} from tasks
where tenant = :tenant and listed = 1 and deleted_ms is null and number > :after
    and (:steps is null or step in (select value from json_each(:steps)))
    and (:operation is null or operation = :operation)
order by number limit :limit

-- children --
select {task} from tasks
where parent = :task and tenant = :tenant and listed = 1 and deleted_ms is null
order by number

-- operator_tasks --
select {task} from tasks
where deleted_ms is null and number < :after and operation <> 'upload'
    and (:tenant is null or tenant = :tenant)
    and (:key is null or key = :key)
    and (:operation is null or operation = :operation)
    and (:steps is null or step in (select value from json_each(:steps)))
    and (:since_ms is null or created_ms >= :since_ms)
    and (:provider is null or json_extract(plan, '$.maker.provider') = :provider)
    and (:model is null
        or coalesce(json_extract(submission, '$.model'), json_extract(plan, '$.maker.model')) = :model)
order by number desc limit :limit

-- number_of_any --
select number from tasks where uuid = :uuid

-- task_of_any --
select {task} from tasks where uuid = :uuid and deleted_ms is null

-- steps --
select step, at_ms from events where task = :task order by sequence

-- spend --
select coalesce(json_extract(submission, '$.model'), json_extract(plan, '$.maker.model'), ''),
    coalesce(json_extract(plan, '$.maker.provider'), ''), tenant, key, count(*), sum(step = 'succeeded'),
    sum(case when step = 'succeeded' then coalesce(json_extract(plan, '$.new_us'), 0) else 0 end),
    sum(cost_microusd),
    sum((select coalesce(sum(jobs.cost_microusd), 0) from jobs where jobs.task = tasks.id))
from tasks
where finished_ms >= :since_ms and finished_ms < :until_ms and operation <> 'upload'
    and (:tenant is null or tenant = :tenant)
group by 1, 2, 3, 4
order by 8 desc, 5 desc

-- taken --
-- The latest tasks of each maker. Who waited for a source waited for another task, too.
select makers.value ->> 0, makers.value ->> 1, tasks.tenant, tasks.finished_ms - tasks.created_ms
from json_each(:makers) as makers cross join tasks
where tasks.number in (
    select latest.number from tasks as latest
    where json_extract(latest.plan, '$.maker.name') = makers.value ->> 0
        and json_extract(latest.plan, '$.maker.provider') = makers.value ->> 1
        and latest.operation = :operation
        and latest.step = 'succeeded' and latest.attempt > 0 and latest.deleted_ms is null
    order by latest.finished_ms desc limit :most
) and json_extract(tasks.submission, '$.wait_for_source') is null

-- unlisted_newest --
select {task} from tasks
where tenant = :tenant and listed = 0 and deleted_ms is null and number < :after
    and (:steps is null or step in (select value from json_each(:steps)))
    and (:operation is null or operation = :operation)
order by number desc limit :limit

-- unlisted_oldest --
select {task} from tasks
where tenant = :tenant and listed = 0 and deleted_ms is null and number > :after
    and (:steps is null or step in (select value from json_each(:steps)))
    and (:operation is null or operation = :operation)
order by number limit :limit

-- next_due_ms --
select min(next_ms) from tasks where owner is null and slot is not null and slot = :slot

-- running --
select tenant, count(*) from tasks where owner is not null and slot = :slot group by tenant

-- due_tenants --
-- A loose index scan: one seek for each tenant, however many tasks each of them has.
with recursive tenant (name) as (
    select min(tasks.tenant) from tasks where owner is null and slot is not null and slot = :slot
    union all
    select (
        select min(tasks.tenant) from tasks
        where owner is null and slot is not null and slot = :slot and tasks.tenant > tenant.name
    )
    from tenant where tenant.name is not null
)
select name, (
    select number from tasks
    where owner is null and slot is not null and slot = :slot and tasks.tenant = name and +next_ms <= :now_ms
    order by case when step in ('assembling', 'storing') then updated_ms else 1000000000000000 + number end limit 1
) as first
from tenant where name is not null and first is not null

-- due_of --
select number from tasks
where owner is null and slot is not null and slot = :slot and tenant = :tenant and +next_ms <= :now_ms
order by case when step in ('assembling', 'storing') then updated_ms else 1000000000000000 + number end limit :most

-- claim --
update tasks set
    owner = :owner, fence = fence + 1, sequence = sequence + 1, updated_ms = :now_ms,
    started_ms = coalesce(started_ms, :now_ms),
    step = case step when 'queued' then 'preparing' else step end
where number = :number
returning {task}

-- owned --
select {task} from tasks where owner = :owner and finished_ms is null order by number

-- move --
update tasks set
    step = :after, slot = :slot, sequence = sequence + 1, updated_ms = :now_ms,
    plan = coalesce(:plan, plan), report = coalesce(:report, report), attempt = coalesce(:attempt, attempt),
    parent = coalesce(:parent, parent),
    progress = max(progress, coalesce(:progress, 0)), next_ms = coalesce(:next_ms, next_ms),
    deadline_ms = coalesce(:deadline_ms, deadline_ms), expires_ms = coalesce(:expires_ms, expires_ms),
    owner = case when :release then null else owner end
where uuid = :uuid and owner is :owner and fence = :fence and step = :before and deleted_ms is null
    and (not :refuse_cancelled or cancel_requested_ms is null)
returning {task}

-- move_on --
-- Of a task that stays in the same hands and keeps its times: the indexes over those are left alone.
update tasks set
    step = :after, slot = :slot, sequence = sequence + 1, updated_ms = :now_ms,
    plan = coalesce(:plan, plan), attempt = coalesce(:attempt, attempt),
    progress = max(progress, coalesce(:progress, 0))
where uuid = :uuid and owner is :owner and fence = :fence and step = :before and deleted_ms is null
    and (not :refuse_cancelled or cancel_requested_ms is null)
returning {task}

-- finish --
update tasks set
    step = :end, slot = null, owner = null, sequence = sequence + 1, updated_ms = :now_ms, finished_ms = :now_ms,
    plan = coalesce(:plan, plan), report = coalesce(:report, report), fault = coalesce(:fault, fault),
    expires_ms = coalesce(:expires_ms, expires_ms),
    progress = max(progress, :progress), cost_microusd = min(hold_microusd, :price), settlement = :settlement
where uuid = :uuid and owner is :owner and fence = :fence and step = :before and deleted_ms is null
returning number, hold_microusd, cost_microusd

-- task_by_number --
select {task} from tasks where number = :number

-- save_progress --
update tasks set progress = :progress, sequence = sequence + 1, updated_ms = :now_ms
where uuid = :uuid and owner is :owner and fence = :fence and finished_ms is null and progress < :progress

-- request_cancel --
update tasks set cancel_requested_ms = :now_ms, sequence = sequence + 1, updated_ms = :now_ms
where uuid = :uuid and cancel_requested_ms is null
returning number

-- insert_job --
insert into jobs (
    task, segment, attempt, provider, account, state, caller_key, started_ms, deadline_ms, model,
    expected_microusd, asked
) values (
    :task, :segment, :attempt, :provider, :account, 'open', :caller_key, :now_ms, :deadline_ms, :model,
    :expected_microusd, :asked
)

-- insert_found_job --
-- Attempt 0: nothing was ever tried here, and nothing paid.
insert into jobs
    (task, segment, attempt, provider, account, state, caller_key, handle, native, started_ms, ended_ms, deadline_ms)
values (:task, 0, 0, :provider, :account, 'succeeded', '', :handle, :native, :now_ms, :now_ms, :now_ms)

-- mark_job --
update jobs set handle = :handle, answered = :answered where task = :task and attempt = :attempt and state = 'open'

-- jobs --
select task, segment, attempt, provider, account, state, caller_key, handle, native, cost_microusd, started_ms,
    ended_ms, deadline_ms, model, expected_microusd, trouble
from jobs where task = :task order by segment, attempt

-- jobs_left_open --
select jobs.task, segment, jobs.attempt, provider, account, state, caller_key, handle, native, jobs.cost_microusd,
    jobs.started_ms, ended_ms, jobs.deadline_ms, model, expected_microusd, trouble
from tasks join jobs on jobs.task = tasks.id
where tasks.settlement = 'open' and tasks.finished_ms is not null
    and jobs.state = 'open' and jobs.provider <> 'longtake'
order by tasks.finished_ms limit :most

-- account_states --
select name, switched_off, rests_until_ms, why from provider_accounts

-- save_account --
insert into provider_accounts (name, switched_off, rests_until_ms, why, updated_ms)
values (:name, :switched_off, :rests_until_ms, :why, :now_ms)
on conflict (name) do update set
    switched_off = excluded.switched_off, rests_until_ms = excluded.rests_until_ms, why = excluded.why,
    updated_ms = excluded.updated_ms

-- spent_microusd --
-- A job that failed without a word of its cost made nothing; of any other the expected cost counts until it is known.
select coalesce(sum(
    case when cost_microusd > 0 then cost_microusd when state = 'failed' then 0 else expected_microusd end
), 0)
from jobs where provider <> 'longtake' and account = :account and started_ms >= :since_ms
-- exchanges --
select segment, attempt, coalesce(asked, ''), coalesce(answered, ''), coalesce(last_answer, '')
from jobs where task = :task and (asked is not null or answered is not null or last_answer is not null)
order by segment, attempt

-- end_job --
update jobs set state = :state, native = :native, cost_microusd = :cost_microusd, ended_ms = :now_ms,
    last_answer = :last_answer, trouble = :trouble
where task = :task and attempt = :attempt and state = 'open'

-- insert_outbox --
insert into outbox (task, event, url, next_ms) values (:task, :event, :url, :now_ms) on conflict do nothing

-- waiting --
select {task} from tasks indexed by tasks_waiting left join tasks as parent on parent.id = tasks.parent
where tasks.step = 'waiting'
    and (parent.id is null or parent.finished_ms is not null or parent.deleted_ms is not null)
order by tasks.number

-- overdue --
select {task} from tasks where finished_ms is null and deadline_ms <= :now_ms order by deadline_ms

-- expired --
select {task} from tasks
where expires_ms is not null and deleted_ms is null and expires_ms <= :now_ms and finished_ms is not null
order by expires_ms

-- lose_open_jobs --
-- At the start of the file's only owner: whoever ran these is dead. Steps at a maker go on; their jobs stay open.
update jobs set state = 'lost', ended_ms = :now_ms where state = 'open' and task in (
    select id from tasks where step in (select value from json_each(:child_works))
)

-- free_repeated --
update tasks set
    owner = null, fence = fence + 1, step = 'queued', sequence = sequence + 1, updated_ms = :now_ms,
    slot = case
        when json_extract(plan, '$.fetches') then :fetch_slot
        when json_extract(plan, '$.maker.engine') = '' then :remote_slot
        else :slot
    end
where finished_ms is null and step in (select value from json_each(:repeated))
returning number

-- free_owned --
update tasks set owner = null, fence = fence + 1, sequence = sequence + 1, updated_ms = :now_ms
where owner is not null and finished_ms is null
returning number

-- tries --
select count(*) from jobs where task = :task and state <> 'cancelled' and provider = :provider
    and segment = (select max(segment) from jobs where task = :task)

-- lost_attempts --
select count(*) from jobs where task = :task and state = 'lost' and provider = :provider
