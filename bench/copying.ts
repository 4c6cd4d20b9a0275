import { chmodSync, mkdirSync } from "node:fs";
import path from "node:path";
import { Cache, cacheRoot } from "../engines/cache.ts";
import { postgres } from "../engines/postgres.ts";
import { placeServers, startServers, stopServers } from "../engines/servers.ts";
import { openPostgresCatalog } from "../src/catalog/postgres.ts";
import { openSqliteCatalog } from "../src/catalog/sqlite.ts";
import { systemClock } from "../src/foundation/clock.ts";
import { createIds } from "../src/foundation/ids.ts";
import { silentLog } from "../src/foundation/log.ts";
import { systemRandom } from "../src/foundation/random.ts";
import type { Bench } from "./support/bench.ts";
import { fillExecutions } from "./support/fill-executions.ts";
import { withTempDir } from "./support/temp-dir.ts";

const sizes = [10_000, 1_000_000];
const megabyte = 1024 * 1024;
const parts = { clock: systemClock, ids: createIds(systemClock, systemRandom), log: silentLog };

/** A catalog that goes from its file to a PostgreSQL, as `fx copy` carries it. Once: a round of it is long. */
export const copying: Bench = {
  name: "copying",
  title: "Copying a catalog to PostgreSQL",
  run: ({ note }) =>
    withTempDir(async (directory) => {
      chmodSync(directory, 0o755);
      const rows: number[][] = [];
      for (const size of sizes) {
        const own = path.join(directory, `${size}`);
        mkdirSync(own, { mode: 0o755 });
        rows.push(await measure(own, size, note));
      }
      return {
        title: copying.title,
        columns: ["executions", "rows/s", "rows/s, of the processor's time here", "most memory, MB", "before, MB"],
        rows,
        remarks: [
          "From the file to the table with all of its indexes, read again and compared, in one transaction; memory is what the process holds.",
        ],
      };
    }),
};

async function measure(directory: string, size: number, note: (text: string) => void): Promise<number[]> {
  const programs = await postgres.install(new Cache(cacheRoot(), note));
  const servers = await placeServers(postgres, programs, directory, 1);
  note("starting PostgreSQL");
  await startServers(servers);
  try {
    const file = path.join(directory, "catalog.db");
    await (await openSqliteCatalog({ path: file, ...parts })).close();
    note(`writing ${size} executions`);
    fillExecutions(file, size);
    const source = await openSqliteCatalog({ path: file, ...parts });
    const url = postgres.environment(servers.places).FX_CATALOG_URL as string;
    const target = await openPostgresCatalog({ url, ...parts });
    const before = process.memoryUsage().rss;
    let most = before;
    const cpu = process.cpuUsage();
    const began = performance.now();
    await target.contents.fill(source.contents, {
      onRows(_table, written) {
        most = Math.max(most, process.memoryUsage().rss);
        if (written % 12_800 === 0) note(`${written} of ${size}`);
      },
    });
    const seconds = (performance.now() - began) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    most = Math.max(most, process.memoryUsage().rss);
    await source.close();
    await target.close();
    return [size, size / seconds, size / ((user + system) / 1e6), most / megabyte, before / megabyte];
  } finally {
    await stopServers(servers);
  }
}
