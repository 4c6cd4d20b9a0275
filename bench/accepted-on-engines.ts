import { chmodSync } from "node:fs";
import { openKafkaBus } from "../src/bus/kafka.ts";
import { topics } from "../src/events/topics.ts";
import { decodeLogRecord } from "../src/executions/log-codec.ts";
import { systemClock } from "../src/foundation/clock.ts";
import { silentLog } from "../src/foundation/log.ts";
import type { Bench } from "./support/bench.ts";
import { BenchInstallation } from "./support/installation.ts";
import { interleaved, median, quantile } from "./support/rounds.ts";
import { type Language, languages, serviceFiles } from "./support/scripts.ts";
import { withTempDir } from "./support/temp-dir.ts";
import { until } from "./support/until.ts";

const eventsPerRound = 20;
const warmUps = 5;
const lookMs = 1;
const stages = ["accepted", "routed", "claimed", "firstLine"] as const;

/** Milliseconds from before the POST. */
type Waits = Record<(typeof stages)[number], number>;

/** From the request that carries an event to the first line of the script that it starts, one event at a time, every role a process. */
export const acceptedOnEngines: Bench = {
  name: "accepted-on-engines",
  title: "Accepted to first line on Kafka and PostgreSQL",
  run: ({ rounds, note }) =>
    withTempDir(async (directory) => {
      chmodSync(directory, 0o711);
      const installation = await BenchInstallation.open(directory, {}, note);
      const lines = await FirstLines.read(installation);
      try {
        await Promise.all(["manager", "router", "executor", "sink"].map((role) => installation.start(role)));
        const manager = installation.process("manager");
        for (const language of languages) await manager.deploy(language.slug, serviceFiles(language, typeOf(language)));
        for (const language of languages) await waitsOf(installation, lines, language, warmUps);
        const samples = new Map<string, Waits[]>();
        const measured = await interleaved(
          languages.map((language) => ({
            name: language.name,
            measure: async () => {
              const waits = await waitsOf(installation, lines, language, eventsPerRound);
              samples.set(language.name, [...(samples.get(language.name) ?? []), ...waits]);
              return Object.fromEntries(stages.map((stage) => [stage, median(waits.map((each) => each[stage]))]));
            },
          })),
          rounds,
          note,
        );
        return {
          title: acceptedOnEngines.title,
          columns: ["", "p50 ms", "p99 ms", "p50 until accepted", "- routed", "- claimed", "samples"],
          rows: measured.map(({ name, median: { firstLine = 0, accepted = 0, routed = 0, claimed = 0 } }) => {
            const all = (samples.get(name) ?? []).map((each) => each.firstLine);
            return [name, firstLine, quantile(all, 0.99), accepted, routed, claimed, all.length];
          }),
          remarks: [
            "From before the POST until the executor has read the first line of the script, by the clock of this machine, to a millisecond. One process of each role and one server of each engine, all on this machine, which has nothing else to do.",
          ],
        };
      } finally {
        await lines.close();
        await installation.close();
      }
    }),
};

/** When each flow's first line was read, from the topic of output: to ask the platform would give it more to do. */
class FirstLines {
  readonly #at = new Map<string, number>();
  readonly #stopping = new AbortController();
  #done: Promise<void> = Promise.resolve();

  static async read({ environment }: BenchInstallation): Promise<FirstLines> {
    const bus = await openKafkaBus({
      connection: { brokers: (environment.FX_BUS_BROKERS ?? "").split(","), prefix: environment.FX_BUS_PREFIX ?? "" },
      topics: { partitions: 8, replication: 1, maxMessageBytes: 5_000_000 },
      instance: "bench",
      clock: systemClock,
      log: silentLog,
    });
    const lines = new FirstLines();
    const { signal } = lines.#stopping;
    const subscription = await bus.subscribe({
      group: "bench",
      topics: [topics.logs],
      from: "latest",
      maxRecords: 100,
    });
    lines.#done = (async () => {
      for (;;) {
        const records = await subscription.next(signal);
        if (records === undefined) return bus.close();
        for (const { value } of records) {
          const { correlationId = "", at } = decodeLogRecord(value) ?? { at: 0 };
          if (!lines.#at.has(correlationId)) lines.#at.set(correlationId, at);
        }
      }
    })();
    return lines;
  }

  of(flow: string): Promise<number> {
    return until(async () => this.#at.get(flow), lookMs);
  }

  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }
}

async function waitsOf(
  installation: BenchInstallation,
  lines: FirstLines,
  language: Language,
  count: number,
): Promise<Waits[]> {
  const waits: Waits[] = [];
  for (let n = 0; n < count; n += 1) waits.push(await waitOf(installation, lines, language));
  return waits;
}

async function waitOf(installation: BenchInstallation, lines: FirstLines, language: Language): Promise<Waits> {
  const flow = `flow-${language.slug}-${Math.round(performance.now() * 1000)}`;
  const began = performance.timeOrigin + performance.now();
  await installation.process("manager").send([{ id: flow, type: typeOf(language), correlationid: flow, data: {} }]);
  const accepted = performance.timeOrigin + performance.now();
  const firstLine = await lines.of(flow);
  const { created, started } = await until(() => endedTimes(installation, flow));
  return {
    accepted: accepted - began,
    routed: created - began,
    claimed: started - began,
    firstLine: firstLine - began,
  };
}

async function endedTimes({ catalog }: BenchInstallation, flow: string) {
  const { rows } = await catalog.query(
    "select created_at, started_at from executions where correlation_id = $1 and status = 'completed'",
    [flow],
  );
  return rows[0] && { created: Number(rows[0].created_at), started: Number(rows[0].started_at) };
}

function typeOf({ slug }: Language): string {
  return `bench.${slug}.first`;
}
