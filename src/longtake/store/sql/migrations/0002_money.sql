-- SPDX-License-Identifier: Apache-2.0
-- Money. A tenant with a row in balances pays in advance: what it may still spend stands there, and is at every moment
-- the sum of its ledger rows. One without a row pays afterwards, or nothing: its ledger is kept all the same, and
-- nothing is refused. No earlier build has written a balance.

-- Free work has rows of 0, which no sum needs.
create index ledger_of_tenant on ledger (tenant, kind, amount_microusd) where amount_microusd <> 0;

-- Tasks that have ended and whose price is not known yet.
create index tasks_settling on tasks (finished_ms) where settlement = 'open' and finished_ms is not null;
