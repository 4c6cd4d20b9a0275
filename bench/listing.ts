import path from "node:path";
import type { Bench } from "./support/bench.ts";
import { fillExecutions } from "./support/fill-executions.ts";
import { BenchPlatform } from "./support/platform.ts";
import { interleaved, median } from "./support/rounds.ts";
import { withTempDir } from "./support/temp-dir.ts";

const sizes = [1_000, 1_000_000];
const requestsPerRound = 30;

const queries = [
  ["newest", ""],
  ["of one service", "&service=default/service-7"],
  ["failed", "&status=failed"],
  ["of one service, failed", "&service=default/service-7&status=failed"],
  ["of one flow", "&correlationid=flow-17"],
] as const;

/** A page of executions must cost the same however long the history is. */
export const listing: Bench = {
  name: "listing",
  title: "Listing executions",
  run: ({ rounds, note }) =>
    withTempDir(async (directory) => {
      const platforms: BenchPlatform[] = [];
      try {
        for (const size of sizes) {
          const data = path.join(directory, `${size}`);
          await (await BenchPlatform.start(data)).stop();
          note(`writing ${size} executions`);
          fillExecutions(path.join(data, "catalog.db"), size);
          platforms.push(await BenchPlatform.start(data));
        }
        const rows: (string | number)[][] = [];
        for (const [name, query] of queries) {
          const contenders = platforms.map((platform, index) => ({
            name: `${name}, ${sizes[index]}`,
            measure: async () => ({ ms: await pageMs(platform, `/api/v1/executions?limit=50${query}`) }),
          }));
          const [small, large] = await interleaved(contenders, rounds, note);
          rows.push([name, small?.median.ms ?? 0, large?.median.ms ?? 0]);
        }
        const deep = await Promise.all(platforms.map((platform) => deepPageMs(platform)));
        rows.push(["tenth page of 50", ...deep]);
        return {
          title: listing.title,
          columns: ["page of 50", `ms at ${sizes[0]?.toLocaleString("en")}`, `ms at ${sizes[1]?.toLocaleString("en")}`],
          rows,
          remarks: ["Over HTTP, one request at a time; medians. Aim: flat."],
        };
      } finally {
        for (const platform of platforms) await platform.stop();
      }
    }),
};

async function pageMs(platform: BenchPlatform, route: string): Promise<number> {
  const times: number[] = [];
  for (let n = 0; n < requestsPerRound; n += 1) {
    const began = performance.now();
    await platform.request("GET", route);
    times.push(performance.now() - began);
  }
  return median(times);
}

async function deepPageMs(platform: BenchPlatform): Promise<number> {
  let after: string | null = null;
  for (let page = 1; page < 10; page += 1) {
    const route: string = `/api/v1/executions?limit=50${after === null ? "" : `&after=${encodeURIComponent(after)}`}`;
    ({ next: after } = await platform.request<{ next: string | null }>("GET", route));
  }
  return pageMs(platform, `/api/v1/executions?limit=50&after=${encodeURIComponent(after ?? "")}`);
}
