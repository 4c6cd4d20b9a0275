import { DatabaseSync } from "node:sqlite";

/**
 * Writes so many ended executions into the catalog of a stopped platform: 20 services, flows of 50, one in ten failed.
 * Its indexes are laid anew afterwards, which is quicker and leaves the same.
 */
export function fillExecutions(file: string, count: number): void {
  const database = new DatabaseSync(file);
  database.exec("pragma journal_mode = wal; pragma synchronous = off");
  const indexes = database
    .prepare("select name, sql from sqlite_master where type = 'index' and tbl_name = 'executions' and sql is not null")
    .all() as { name: string; sql: string }[];
  database.exec("begin");
  for (const { name } of indexes) database.exec(`drop index ${name}`);
  const newest = Date.now() - 60_000;
  const insert = database.prepare(`
    with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ?)
    insert into executions (id, project, service, version, "trigger", event_key, event_id, event_source, event_type,
      link_id, correlation_id, root_flow, sequence, started_by_lifecycle, priority, lane, created_at, status, attempt, losses, gate,
      not_before, token, cancel_requested, started_at, finished_at, error)
    select printf('00000000-0000-7000-8000-%012d', n), 'default', 'service-' || (n % 20), 'version-' || (n % 20), 'event',
      'key-' || n, 'event-' || n, '/bench', 'bench.listed', 'link-' || (n % 20), 'flow-' || (n / 50), 'flow-' || (n / 50), 0, 0, 5, 'regular',
      ? - (? - n) * 10, case when n / 20 % 10 = 0 then 'failed' else 'completed' end, 1, 0, 0, 0, 1, 0,
      ? - (? - n) * 10 + 1, ? - (? - n) * 10 + 25,
      case when n / 20 % 10 = 0 then '{"kind":"exit","message":"main.py ended with exit code 1","script":"main.py","exitCode":1}' end
    from numbers`);
  insert.run(count, newest, count, newest, count, newest, count);
  for (const { sql } of indexes) database.exec(sql);
  database.exec("commit; pragma wal_checkpoint(truncate)");
  database.close();
}
