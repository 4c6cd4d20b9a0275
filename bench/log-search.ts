import { statSync } from "node:fs";
import path from "node:path";
import { DatabaseSync } from "node:sqlite";
import { silentLog } from "../src/foundation/log.ts";
import { SqliteOpsData } from "../src/ops-data/sqlite.ts";
import type { Bench } from "./support/bench.ts";
import { httpLoad } from "./support/http-load.ts";
import { lineBatches } from "./support/log-lines.ts";
import { BenchPlatform } from "./support/platform.ts";
import { interleaved, median, quantile, ratio } from "./support/rounds.ts";
import { eventBodies } from "./support/sample-event.ts";
import { withTempDir } from "./support/temp-dir.ts";

const defaultLines = 1_000_000;
const searchesEach = 30;
const loadSeconds = 5;

const searches = [
  ["rare word", (n: number) => `request${n * 977}`],
  ["frequent word", () => "status"],
  ["phrase", () => '"connection refused"'],
  ["two frequent words, rarely together", (n: number) => `user${n % 97} session${n % 89}`],
  ["level and service", (n: number) => `level:error service:bench/service-${n % 20}`],
  ["negation", () => "refused -timeout -level:error"],
  ["prefix", (n: number) => `request${n % 10}*`],
  ["no line", (n: number) => `absent${n}`],
] as const;

/** Does looking through a long history of output hold up who sends events? */
export const logSearch: Bench = {
  name: "log-search",
  title: "Searching logs while events and output come in",
  run: ({ rounds, note, lines = defaultLines }) =>
    withTempDir(async (directory) => {
      const data = path.join(directory, "data");
      await (await BenchPlatform.start(data)).stop();
      const file = path.join(data, "ops.db");
      const before = statSync(file).size;
      const storedPerSecond = await fill(file, lines, note);
      const bytesPerLine = (statSync(file).size - before) / lines;
      const plainPerSecond = plainRate(path.join(directory, "plain.db"));
      const platform = await BenchPlatform.start(data);
      try {
        await platform.deploy("chatty", {
          "main.py":
            "import time\nwhile True:\n  print('tick of a clock that goes on\\n' * 100, flush=True)\n  time.sleep(0.05)",
        });
        await platform.request("POST", "/api/v1/services/default/chatty/run", {});
        const rows: (string | number)[][] = [
          ["stored, lines/s", storedPerSecond, "", ""],
          ["- records only, without lines and words, lines/s", plainPerSecond, "", storedPerSecond / plainPerSecond],
          ["size on disk, bytes a line", bytesPerLine, "", ""],
        ];
        for (const [name, query] of searches) {
          const times: number[] = [];
          for (let n = 1; n <= searchesEach; n += 1) {
            note(`searching: ${name}`);
            times.push(await searchMs(platform, query(n)));
          }
          rows.push([`search, ${name}: ms`, median(times), quantile(times, 0.99), ""]);
        }
        const post = () =>
          httpLoad({
            url: `${platform.url}/api/v1/events`,
            headers: platform.headers,
            connections: 4,
            eventsPerRequest: 1,
            body: eventBodies(1),
            seconds: loadSeconds,
          });
        const contenders = [
          { name: "events alone", measure: post },
          {
            name: "events while searching",
            measure: async () => {
              const searching = keepSearching(platform);
              const figures = await post();
              return { ...figures, searches: (await searching()) / loadSeconds };
            },
          },
        ];
        const [alone, searched] = await interleaved(contenders, rounds, note);
        if (!alone || !searched) throw new Error("a contender is missing");
        rows.push(["POST of an event: ms", alone.median.p50 ?? 0, alone.median.p99 ?? 0, ""]);
        rows.push([
          "- while two clients search all the time: ms",
          searched.median.p50 ?? 0,
          searched.median.p99 ?? 0,
          ratio(searched, alone, "p50"),
        ]);
        rows.push([
          "- events/s then, to those without",
          searched.median.events ?? 0,
          "",
          ratio(searched, alone, "events"),
        ]);
        rows.push(["- searches/s then", searched.median.searches ?? 0, "", ""]);
        return {
          title: `${logSearch.title}: ${lines.toLocaleString("en")} lines`,
          columns: ["", "p50 or value", "p99", "ratio"],
          rows,
          remarks: [
            "A service prints 2,000 lines a second throughout. Pages of 100 lines over HTTP, the newest first, one at a time; with no limit of time. Lines of 90 bytes, stored by the store's own append.",
          ],
        };
      } finally {
        await platform.kill();
      }
    }),
};

async function searchMs(platform: BenchPlatform, query: string): Promise<number> {
  const began = performance.now();
  await platform.request("GET", `/api/v1/logs?limit=100&q=${encodeURIComponent(query)}`);
  return performance.now() - began;
}

/** Answers what ends it, and how many searches there were. */
function keepSearching(platform: BenchPlatform): () => Promise<number> {
  let going = true;
  let count = 0;
  const client = async (first: number) => {
    for (let n = first; going; n += 1) {
      const [, query] = searches[n % searches.length] as (typeof searches)[number];
      await searchMs(platform, query(n));
      count += 1;
    }
  };
  const clients = [client(0), client(3)];
  return async () => {
    going = false;
    await Promise.all(clients);
    return count;
  };
}

async function fill(file: string, lines: number, note: (text: string) => void): Promise<number> {
  const opsData = await SqliteOpsData.open({ path: file, log: silentLog });
  let spentMs = 0;
  let stored = 0;
  for (const { records, count } of lineBatches(lines)) {
    const began = performance.now();
    await opsData.append(records);
    spentMs += performance.now() - began;
    stored += count;
    if (stored % 100_000 < count) note(`storing lines: ${stored}`);
  }
  await opsData.close();
  return (lines / spentMs) * 1000;
}

/** What the same table takes without lines and words. */
function plainRate(file: string): number {
  const database = new DatabaseSync(file);
  database.exec(
    `pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4096;
     create table records (run text, attempt integer, seq integer, at integer, script text, stream text, bytes blob,
       primary key (run, attempt, seq))`,
  );
  const insert = database.prepare("insert into records values (?, ?, ?, ?, ?, ?, ?)");
  const lines = 200_000;
  let spentMs = 0;
  for (const { records } of lineBatches(lines)) {
    const began = performance.now();
    database.exec("begin");
    for (const { executionId, attempt, seq, at, script, stream, bytes } of records)
      insert.run(executionId, attempt, seq, at, script, stream, bytes);
    database.exec("commit");
    spentMs += performance.now() - began;
  }
  database.close();
  return (lines / spentMs) * 1000;
}
