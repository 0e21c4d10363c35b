-- SPDX-License-Identifier: Apache-2.0
-- What comes with a new task is written with its row, by whatever statement inserts that: the events of one that is
-- claimed at once, and for an open one its place among the tenant's tasks and what is held for it.
drop trigger task_begins;
create trigger task_begins after insert on tasks begin
    insert into events (task, sequence, step, at_ms)
    select new.id, new.sequence - 1, 'queued', new.created_ms where new.owner is not null
    union all
    select new.id, new.sequence, new.step, new.updated_ms;
end;
create trigger task_takes after insert on tasks when new.settlement = 'open' begin
    insert into counters (dimension, key, used) values ('active', new.tenant, 1)
    on conflict (dimension, key) do update set used = used + 1;
    update balances set amount_microusd = amount_microusd - new.hold_microusd
    where tenant = new.tenant and new.hold_microusd > 0;
    insert into ledger (task, kind, seq, tenant, amount_microusd, at_ms)
    values (new.id, 'hold', 0, new.tenant, -new.hold_microusd, new.created_ms);
end;
