-- SPDX-License-Identifier: Apache-2.0
-- Which keys may take over videos that were ordered elsewhere, and by what such an id is known to be somebody's here.
alter table keys add column adopt integer not null default 0;

-- What counts of an id is the part behind its last colon, in any case.
create index jobs_handle on jobs (lower(substr(handle, length(rtrim(handle, replace(handle, ':', ''))) + 1)))
where handle <> '';
create index jobs_native on jobs (lower(substr(
    json_extract(native, '$.id'),
    length(rtrim(json_extract(native, '$.id'), replace(json_extract(native, '$.id'), ':', ''))) + 1
)))
where state = 'succeeded' and json_valid(native);
