import { readdirSync, statSync } from "node:fs";
import path from "node:path";
import type { BenchInstallation } from "./installation.ts";
import type { Figures } from "./rounds.ts";

const settleMs = 60_000;

/** What an installation has written into its engines so far. Bytes as they lie on one server, without copies. */
export async function written(installation: BenchInstallation): Promise<Figures> {
  const [tables, bus, output] = [
    await catalogFigures(installation),
    busBytes(installation),
    await outputBytes(installation),
  ];
  return { ...tables, busBytes: bus, ...output };
}

export function eachSince(before: Figures, now: Figures, count: number): Figures {
  return Object.fromEntries(Object.entries(now).map(([name, value]) => [name, (value - (before[name] ?? 0)) / count]));
}

/** The log of PostgreSQL is the server's: who else writes to it counts. */
async function catalogFigures({ catalog }: BenchInstallation): Promise<Figures> {
  await catalog.query("select pg_stat_clear_snapshot()");
  const { rows } = await catalog.query(`
    select
      (select sum(pg_total_relation_size(oid)) from pg_class where relname = 'bodies') as "bodyBytes",
      (select sum(pg_total_relation_size(oid)) from pg_class
        where relkind = 'r' and relnamespace = 'public'::regnamespace and relname <> 'bodies') as "catalogBytes",
      pg_current_wal_lsn() - '0/0' as "catalogLogBytes",
      xact_commit as "catalogCommits",
      tup_inserted + tup_updated + tup_deleted as "catalogRows"
    from pg_stat_database where datname = current_database()`);
  return Object.fromEntries(Object.entries(rows[0]).map(([name, value]) => [name, Number(value)]));
}

/** Of the records alone: files of indexes are made larger than what is in them. */
function busBytes(installation: BenchInstallation): number {
  const data = path.join(installation.server("kafka").directory, "data");
  const prefix = installation.environment.FX_BUS_PREFIX ?? "";
  const folders = readdirSync(data).filter((name) => name.startsWith(prefix));
  const files = folders.flatMap((folder) =>
    readdirSync(path.join(data, folder)).map((name) => path.join(data, folder, name)),
  );
  return files.filter((file) => file.endsWith(".log")).reduce((sum, file) => sum + statSync(file).size, 0);
}

async function outputBytes({ environment }: BenchInstallation): Promise<Figures> {
  const indices = `${environment.FX_OPS_DATA_URL}/${environment.FX_OPS_DATA_PREFIX}-*`;
  await fetch(`${indices}/_flush`, { method: "POST", signal: AbortSignal.timeout(settleMs) });
  const answer = await fetch(`${indices}/_stats/store`, { signal: AbortSignal.timeout(settleMs) });
  const stats = (await answer.json()) as {
    indices: Record<string, { primaries: { store: { size_in_bytes: number } } }>;
  };
  const of = (kinds: RegExp) =>
    Object.entries(stats.indices)
      .filter(([name]) => kinds.test(name.slice((environment.FX_OPS_DATA_PREFIX ?? "").length)))
      .reduce((sum, [, { primaries }]) => sum + primaries.store.size_in_bytes, 0);
  return { outputBytes: of(/^-(records|lines)-/), historyBytes: of(/^-(events|executions)-/) };
}
