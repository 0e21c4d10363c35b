-- SPDX-License-Identifier: Apache-2.0
-- Of a tenant's tasks those first whose work is done elsewhere and only to be joined or stored, in the order in which it
-- was done; then the others, in the order of submission. The queries repeat the expression word for word.
drop index tasks_due;
create index tasks_due on tasks (
    slot, tenant,
    (case when step in ('assembling', 'storing') then updated_ms else 1000000000000000 + number end),
    next_ms
) where owner is null and slot is not null;
