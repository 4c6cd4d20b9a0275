/** Steps of the file's schema; see `migrateSqliteFile`. A step that was released is not changed. */
export const opsSchema = [
  `create table runs (
     id integer primary key,
     execution_id text not null unique,
     project text not null,
     service text not null,
     -- Of the newest record: what an execution wrote is kept and deleted whole.
     last_at integer not null
   ) strict;
   create index runs_by_age on runs (last_at);
   create table records (
     run integer not null references runs (id),
     attempt integer not null,
     seq integer not null,
     step integer not null,
     script text not null,
     at integer not null,
     stream text not null,
     level text,
     bytes blob not null,
     -- Bytes of the step's output before this record, and in it; a line of logging is no output.
     start integer not null,
     size integer not null,
     primary key (run, attempt, seq)
   ) strict;
   create index output_by_place on records (run, attempt, step, start) where size > 0;`,
  `-- Words by time: each part holds the words of a range of ids, in a table of its own.
   create table search_parts (
     kind text not null,
     number integer not null,
     from_id integer not null,
     size integer not null,
     primary key (kind, number)
   ) strict, without rowid;
   -- Ids below are past their age, whether they are deleted yet or not.
   create table search_floors (kind text primary key, id integer not null) strict, without rowid;
   -- One row; see word-index.ts.
   create table search_rowid (id integer primary key) strict;
   create table sources (
     id integer primary key,
     project text not null,
     service text not null,
     script text not null,
     stream text not null,
     level text not null,
     unique (project, service, script, stream, level)
   ) strict;
   -- Narrow, so that counting reads little; the text is beside.
   create table lines (
     id integer primary key,
     source integer not null,
     execution_id text not null,
     attempt integer not null,
     step integer not null
   ) strict;
   create table line_texts (id integer primary key, text text not null) strict;
   -- The beginning of a line whose end has not come yet, and as which line it is found meanwhile.
   create table open_lines (
     run integer not null,
     attempt integer not null,
     step integer not null,
     stream text not null,
     line integer,
     seq integer not null,
     at integer not null,
     bytes blob not null,
     primary key (run, attempt, step, stream)
   ) strict, without rowid;
   create table events (
     id integer primary key,
     key text not null unique,
     event_id text not null,
     source text not null,
     type text not null,
     subject text,
     project text,
     correlation_id text,
     excerpt text not null
   ) strict;
   create table past_executions (
     execution_id text primary key,
     project text not null,
     service text not null,
     version text not null,
     trigger text not null,
     status text not null,
     correlation_id text not null,
     attempt integer not null,
     created_at integer not null,
     started_at integer,
     finished_at integer,
     last_at integer not null
   ) strict, without rowid;
   create index past_by_end on past_executions (finished_at, started_at, project) where finished_at is not null;
   create index past_by_age on past_executions (last_at);
   create table execution_sums (
     grain_ms integer not null,
     at integer not null,
     project text not null,
     service text not null,
     trigger text not null,
     status text not null,
     count integer not null,
     durations text not null,
     queues text not null,
     primary key (grain_ms, at, project, service, trigger, status)
   ) strict, without rowid;`,
  `create table metric_series (
     id integer primary key,
     name text not null,
     kind text not null,
     -- As JSON, in order of their names.
     labels text not null,
     unique (name, labels)
   ) strict;
   create table metric_values (
     series integer not null references metric_series (id),
     at integer not null,
     value real not null,
     primary key (series, at)
   ) strict, without rowid;`,
];
