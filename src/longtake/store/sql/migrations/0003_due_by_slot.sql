-- SPDX-License-Identifier: Apache-2.0
-- What is due for the slots that are free: while one kind is all taken, its queue is not looked at.
drop index tasks_next;
create index tasks_next on tasks (slot, next_ms) where owner is null and slot is not null;
