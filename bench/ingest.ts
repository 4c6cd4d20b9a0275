import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { sqliteAppends } from "./contenders/sqlite-appends.ts";
import type { Bench } from "./support/bench.ts";
import { httpLoad } from "./support/http-load.ts";
import { BenchPlatform } from "./support/platform.ts";
import { type Contender, interleaved, ratio } from "./support/rounds.ts";
import { eventBodies, sampleEvent } from "./support/sample-event.ts";
import { withTempDir } from "./support/temp-dir.ts";

const warmUpSeconds = 2;
const measureSeconds = 5;
const bareMs = 2_000;
const fileServer = path.join(import.meta.dirname, "contenders/fastify-file.ts");

interface Shape {
  name: string;
  connections: number;
  eventsPerRequest: number;
}

const shapes: readonly Shape[] = [
  { name: "single events, 64 connections", connections: 64, eventsPerRequest: 1 },
  { name: "batches of 100, 16 connections", connections: 16, eventsPerRequest: 100 },
];

/** Durable ingest over HTTP, beside what bounds it. The load generator shares the machine with all of them. */
export const ingest: Bench = {
  name: "ingest",
  title: "Durable ingest over HTTP",
  async run({ rounds, note }) {
    const rows: (string | number)[][] = [];
    for (const shape of shapes) {
      const [platform, fastify, bare] = await interleaved(contendersOf(shape), rounds, note);
      if (!platform || !fastify || !bare) throw new Error("a contender is missing");
      const { events = 0, p50 = 0, p99 = 0 } = platform.median;
      rows.push(
        [`${shape.name}: the platform`, events, p50, p99, "", ""],
        [
          "- fastify, group-committed file",
          fastify.median.events ?? 0,
          fastify.median.p50 ?? 0,
          fastify.median.p99 ?? 0,
          ratio(platform, fastify, "events"),
          0.7,
        ],
        [
          "- node:sqlite, 100 rows a commit",
          bare.median.events ?? 0,
          "",
          "",
          ratio(platform, bare, "events"),
          shape.eventsPerRequest > 1 ? 0.5 : "",
        ],
      );
    }
    return {
      title: ingest.title,
      columns: ["", "events/s", "p50 ms", "p99 ms", "platform to it", "aim"],
      rows,
      remarks: [
        "Events of 500 bytes, each with an id of its own, synced to disk before the answer. The platform routes what it accepted at the same time, in the same thread; the other two do nothing else. Each round starts every server anew.",
      ],
    };
  },
};

function contendersOf(shape: Shape): Contender[] {
  const { connections, eventsPerRequest } = shape;
  const body = eventBodies(eventsPerRequest);
  const row = Buffer.from(JSON.stringify(sampleEvent()));
  const load = async (url: string, headers: Record<string, string>) => {
    await httpLoad({ url, headers, connections, eventsPerRequest, body, seconds: warmUpSeconds });
    return httpLoad({ url, headers, connections, eventsPerRequest, body, seconds: measureSeconds });
  };
  return [
    {
      name: "platform",
      measure: () =>
        withTempDir(async (directory) => {
          const platform = await BenchPlatform.start(directory);
          try {
            return await load(`${platform.url}/api/v1/events`, platform.headers);
          } finally {
            await platform.kill();
          }
        }),
    },
    {
      name: "fastify",
      measure: () =>
        withTempDir(async (directory) => {
          const server = spawn(process.execPath, [fileServer, path.join(directory, "events")], {
            stdio: ["ignore", "pipe", "inherit"],
          });
          try {
            const [line] = (await once(server.stdout, "data")) as [Buffer];
            return await load(`${line.toString().trim()}/events`, {});
          } finally {
            const exited = once(server, "exit");
            server.kill("SIGKILL");
            await exited;
          }
        }),
    },
    {
      name: "sqlite",
      measure: () =>
        withTempDir(async (directory) => ({
          events: sqliteAppends(path.join(directory, "rows.db"), 100, row, bareMs),
          p50: Number.NaN,
          p99: Number.NaN,
        })),
    },
  ];
}
