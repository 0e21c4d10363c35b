-- SPDX-License-Identifier: Apache-2.0
-- How long a maker's latest tasks took is read for every model of a form: one seek for each. What came with its result,
-- such as an upload, took nothing.
create index tasks_taken on tasks (
    json_extract(plan, '$.maker.name'), json_extract(plan, '$.maker.provider'), operation, finished_ms
)
where step = 'succeeded' and attempt > 0 and deleted_ms is null;
