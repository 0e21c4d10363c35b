-- SPDX-License-Identifier: Apache-2.0
-- The events are written with the steps that they tell of, by whatever statement writes those. A claim is one even where
-- the step stays.
create trigger task_begins after insert on tasks begin
    insert into events (task, sequence, step, at_ms) values (new.id, new.sequence, new.step, new.updated_ms);
end;
create trigger task_moves after update of step on tasks
when new.step <> old.step or (new.owner is not null and old.owner is null)
begin
    insert into events (task, sequence, step, at_ms) values (new.id, new.sequence, new.step, new.updated_ms);
end;
