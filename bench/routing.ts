import path from "node:path";
import type { BusRecord } from "../src/bus/bus.ts";
import { openSqliteCatalog } from "../src/catalog/sqlite.ts";
import { encodeRecord } from "../src/events/bus-binding.ts";
import { topics } from "../src/events/topics.ts";
import { systemClock } from "../src/foundation/clock.ts";
import { createIds, type VersionId } from "../src/foundation/ids.ts";
import { silentLog } from "../src/foundation/log.ts";
import { systemRandom } from "../src/foundation/random.ts";
import { decide } from "../src/router/decide.ts";
import { readRecords } from "../src/router/intake.ts";
import { manifestSchema } from "../src/services/manifest.ts";
import { RoutingIndex } from "../src/services/routing-index.ts";
import type { Bench } from "./support/bench.ts";
import { interleaved } from "./support/rounds.ts";
import { sampleEvent } from "./support/sample-event.ts";
import { withTempDir } from "./support/temp-dir.ts";

const batchSize = 500;
const batches = 20;
const limits = { hops: 100, flowExecutions: 10_000 };

/** The whole of routing, from records off the bus to the committed transaction. 1,000 services listen to 1,000 types, ten links a type. */
export const routing: Bench = {
  name: "routing",
  title: "Routing, from the record to the committed transaction",
  async run({ rounds, note }) {
    const measured = await withTempDir(async (directory) => {
      const router = await openRouter(directory);
      try {
        return await interleaved(
          [
            { name: "no link wants it", measure: () => router.measure(() => "bench.unwanted") },
            { name: "one link matches", measure: () => router.measure((n) => `bench.single${n % 1000}`) },
            { name: "ten links match", measure: () => router.measure((n) => `bench.tenfold${n % 1000}`, batches / 5) },
            { name: "all are duplicates", measure: () => router.measureDuplicates() },
          ],
          rounds,
          note,
        );
      } finally {
        await router.close();
      }
    });
    return {
      title: `${routing.title}: batches of ${batchSize}, synchronous=FULL, one core`,
      columns: ["events", "events/s", "executions/s", "ms a batch"],
      rows: measured.map(({ name, median }) => [name, median.events ?? 0, median.executions ?? 0, median.batchMs ?? 0]),
      remarks: ["11,000 links. Reading and validating the records, their keys and digests are part of it."],
    };
  },
};

async function openRouter(directory: string) {
  const ids = createIds(systemClock, systemRandom);
  const catalog = await openSqliteCatalog({
    path: path.join(directory, "catalog.db"),
    clock: systemClock,
    ids,
    log: silentLog,
  });
  for (let service = 0; service < 1000; service += 1) {
    // Ten links a type of `tenfold`, one a type of `single`.
    const tenfold = Array.from({ length: 10 }, (_, n) => `bench.tenfold${(service * 10 + n) % 1000}`);
    const manifest = manifestSchema.parse({
      entrypoint: "main.py",
      trigger_events: [...tenfold, `bench.single${service}`],
    });
    const id = `version-${service}` as VersionId;
    const content = { scripts: ["main.py"], files: [{ path: "main.py", sizeBytes: 1, hash: "x" }], warnings: [] };
    await catalog.services.deploy({ id, project: "default", name: `service-${service}`, manifest, ...content });
  }
  const { epoch, links } = await catalog.links.snapshot();
  const index = new RoutingIndex({ epoch, links, mappings: [] });
  let offset = 0;

  function measure(typeOf: (n: number) => string, count = batches) {
    return measureRecords(Array.from({ length: count }, () => recordsOf(typeOf)));
  }

  async function measureRecords(work: readonly BusRecord[][]) {
    let executions = 0;
    const began = performance.now();
    for (const records of work) {
      for (const segment of readRecords(records)) {
        if (segment.kind !== "events") throw new Error(segment.reason);
        const events = segment.events.map(({ incoming }) => incoming);
        const positions = [{ topic: topics.events, partition: 0, offset: (records.at(-1)?.offset ?? 0) + 1 }];
        const result = await catalog.routing.route({ events, positions, linkEpoch: index.epoch }, (facts) =>
          decide(events, facts, index, limits, ids),
        );
        executions += result.executions;
      }
    }
    const elapsedMs = performance.now() - began;
    const perSecond = (count: number) => (count / elapsedMs) * 1000;
    return {
      events: perSecond(work.length * batchSize),
      executions: perSecond(executions),
      batchMs: elapsedMs / work.length,
    };
  }

  function recordsOf(typeOf: (n: number) => string): BusRecord[] {
    return Array.from({ length: batchSize }, (_, n) => {
      const record = encodeRecord(topics.events, sampleEvent(typeOf(n)));
      offset += 1;
      return { ...record, partition: 0, offset: offset - 1, at: systemClock.now() };
    });
  }

  return {
    measure,
    /** The same events once more, at new offsets, as a sender repeats them. */
    async measureDuplicates() {
      const first = Array.from({ length: batches }, () => recordsOf(() => "bench.unwanted"));
      await measureRecords(first);
      return measureRecords(first.map((records) => records.map((record) => ({ ...record, offset: offset++ }))));
    },
    close: () => catalog.close(),
  };
}
