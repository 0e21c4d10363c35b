-- SPDX-License-Identifier: Apache-2.0
-- What a maker was asked in a try, what it answered to that, and the answer that told how the try ended: texts for the
-- operator, cut and without secrets. Null for a run of our own, for tries of earlier builds, and once the task is
-- deleted.
alter table jobs add column asked text;
alter table jobs add column answered text;
alter table jobs add column last_answer text;
