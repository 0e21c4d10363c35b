-- SPDX-License-Identifier: Apache-2.0
-- Turns are given by how much of the same kind a tenant has at work: thousands of jobs at a provider are no reason to
-- come last where their results are joined.
drop index tasks_owned;
create index tasks_owned on tasks (slot, tenant) where owner is not null;
