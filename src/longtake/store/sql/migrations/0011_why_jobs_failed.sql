-- SPDX-License-Identifier: Apache-2.0
-- Why a maker refused a job or failed at it, in one word: an account that had too much to do is asked again later.
alter table jobs add column trouble text not null default '';
