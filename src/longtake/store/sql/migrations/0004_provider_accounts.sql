-- SPDX-License-Identifier: Apache-2.0
-- What of an account at a provider outlives the process, and what its jobs are for and expected to cost.

create table provider_accounts (
    name text primary key,
    switched_off integer not null,
    rests_until_ms integer not null,
    why text not null,
    updated_ms integer not null
) strict, without rowid;

-- Our name of the model; jobs of earlier builds have none.
alter table jobs add column model text not null default '';
alter table jobs add column expected_microusd integer not null default 0;

-- What an account has spent since a moment is the sum over these.
create index jobs_bought on jobs (account, started_ms, state, cost_microusd, expected_microusd)
where provider <> 'longtake';
