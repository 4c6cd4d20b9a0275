import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bareRuns } from "./support/bare-runs.ts";
import type { Bench, BenchOptions } from "./support/bench.ts";
import { BenchPlatform } from "./support/platform.ts";
import { interleaved, median, quantile } from "./support/rounds.ts";
import { type Language, languages, serviceFiles } from "./support/scripts.ts";
import { withTempDir } from "./support/temp-dir.ts";
import { until } from "./support/until.ts";

const eventsPerRound = 20;
/** In the second of two columns, between two events. */
const pauseMs = 100;
const chainLength = 5;

interface Execution {
  id: string;
  status: string;
  eventType: string;
}

/** From the request that carries an event to the first line of the script that it starts, one event at a time. */
export const accepted: Bench = {
  name: "accepted",
  title: "Accepted to first line",
  run: ({ rounds, note }) => withTempDir((directory) => measureAll(directory, rounds, note)),
};

async function measureAll(directory: string, rounds: number, note: BenchOptions["note"]) {
  const platform = await BenchPlatform.start(path.join(directory, "data"));
  try {
    const samples = new Map<string, number[]>();
    const keep = (name: string, values: readonly number[]) => {
      samples.set(name, [...(samples.get(name) ?? []), ...values]);
      return { p50: median(values) };
    };
    for (const language of languages) await deployAll(platform, language);
    for (const language of languages) await warmUp(platform, language);
    const measured = await interleaved(
      languages.flatMap((language) => [
        // A warm process is not started.
        ...(language.isolation === "warm"
          ? []
          : [
              {
                name: `${language.name}, bare process`,
                measure: async () => {
                  const folder = path.join(directory, language.slug);
                  const { firstLineMs } = await bareRuns(language, folder, eventsPerRound, 1);
                  return keep(`${language.name}, bare process`, firstLineMs);
                },
              },
            ]),
        ...[1, chainLength].map((executions) => {
          const [name, type] =
            executions === 1
              ? [`${language.name}, one service`, `bench.${language.slug}.one`]
              : [`${language.name}, chain of ${executions}`, chainType(language, 1)];
          return {
            name,
            measure: async () => {
              const at = keep(name, await firstLines(platform, type, executions, 0));
              const apart = keep(apartOf(name), await firstLines(platform, type, executions, pauseMs));
              return { ...at, apart: apart.p50 };
            },
          };
        }),
      ]),
      rounds,
      note,
    );
    const rows = measured.map(({ name, median: { p50 = 0, apart } }) => {
      const all = samples.get(name) ?? [];
      const pauses = apart === undefined ? ["", ""] : [apart, quantile(samples.get(apartOf(name)) ?? [], 0.99)];
      return [name, p50, quantile(all, 0.99), ...pauses, all.length];
    });
    return {
      title: accepted.title,
      columns: ["", "p50 ms", "p99 ms", `p50 ms, ${pauseMs} ms apart`, "p99 ms", "samples"],
      rows,
      remarks: [
        "From before the POST until the platform has read the first line of the (last) script, by the clock of this machine, to a millisecond. One event at a time: when what the one before started has ended, or 100 ms later. A bare process is the same interpreter and script, started by a small Node process.",
      ],
    };
  } finally {
    await platform.stop();
  }
}

async function deployAll(platform: BenchPlatform, language: Language): Promise<void> {
  const name = language.slug;
  await platform.deploy(`${name}-one`, serviceFiles(language, `bench.${language.slug}.one`));
  for (let n = 1; n <= chainLength; n += 1) {
    const next = n < chainLength ? chainType(language, n + 1) : undefined;
    await platform.deploy(`${name}-chain-${n}`, serviceFiles(language, chainType(language, n), next));
  }
}

async function warmUp(platform: BenchPlatform, language: Language): Promise<void> {
  for (let n = 0; n < 3; n += 1) await firstLine(platform, chainType(language, 1), chainLength);
}

function apartOf(name: string): string {
  return `${name}, apart`;
}

function chainType(language: Language, n: number): string {
  return `bench.${language.slug}.chain${n}`;
}

async function firstLines(
  platform: BenchPlatform,
  type: string,
  executions: number,
  pauseMs: number,
): Promise<number[]> {
  const waits: number[] = [];
  for (let n = 0; n < eventsPerRound; n += 1) {
    if (pauseMs > 0) await sleep(pauseMs);
    waits.push(await firstLine(platform, type, executions));
  }
  return waits;
}

/** Milliseconds from the POST to the first line of the last of so many executions. */
async function firstLine(platform: BenchPlatform, type: string, executions: number): Promise<number> {
  const flow = `flow-${type}-${Math.round(performance.now() * 1000)}`;
  const began = performance.timeOrigin + performance.now();
  await platform.send([{ id: flow, type, correlationid: flow, data: {} }]);
  const last = await until(async () => {
    const { items } = await platform.request<{ items: Execution[] }>("GET", `/api/v1/executions?correlationid=${flow}`);
    const failed = items.find(({ status }) => status === "failed");
    if (failed) throw new Error(`execution ${failed.id} failed`);
    const ended = items.filter(({ status }) => status === "completed");
    return ended.length === executions ? items[0] : undefined;
  });
  const { items } = await platform.request<{ items: { at: string }[] }>("GET", `/api/v1/executions/${last.id}/logs`);
  return Date.parse(items[0]?.at ?? "") - began;
}
