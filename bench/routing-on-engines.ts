import { chmodSync } from "node:fs";
import { Cache, cacheRoot } from "../engines/cache.ts";
import type { Engine } from "../engines/engine.ts";
import { brokerOf, kafka } from "../engines/kafka.ts";
import { postgres } from "../engines/postgres.ts";
import { placeServers, type Servers, startServers, stopServers } from "../engines/servers.ts";
import { openKafkaBus } from "../src/bus/kafka.ts";
import { openPostgresCatalog } from "../src/catalog/postgres.ts";
import { encodeRecord } from "../src/events/bus-binding.ts";
import type { CloudEvent } from "../src/events/cloud-event.ts";
import { eventKeyOf } from "../src/events/event-key.ts";
import { topics } from "../src/events/topics.ts";
import { systemClock } from "../src/foundation/clock.ts";
import { createIds, type VersionId } from "../src/foundation/ids.ts";
import { silentLog } from "../src/foundation/log.ts";
import { systemRandom } from "../src/foundation/random.ts";
import { Router } from "../src/router/router.ts";
import { manifestSchema } from "../src/services/manifest.ts";
import { BareConsumer } from "./contenders/bare-consumer.ts";
import type { Bench } from "./support/bench.ts";
import { interleaved, ratio } from "./support/rounds.ts";
import { sampleEvent } from "./support/sample-event.ts";
import { withTempDir } from "./support/temp-dir.ts";

const eventsARound = 10_000;
const batchSize = 500;

/** One router between a real Kafka and a real PostgreSQL, beside a loop that only consumes and writes the same rows. */
export const routingOnEngines: Bench = {
  name: "engines",
  title: "Routing from Kafka to PostgreSQL",
  async run({ rounds, note }) {
    const [ours, bare] = await withTempDir(async (directory) => {
      chmodSync(directory, 0o755);
      const started = [];
      try {
        for (const engine of [kafka, postgres]) started.push(await start(engine, directory, note));
        const [brokers, database] = started as [Servers, Servers];
        const stand = await openStand(brokers, database);
        try {
          return await interleaved(
            [
              { name: "one router", measure: async () => ({ events: await stand.route() }) },
              { name: "bare consumer", measure: async () => ({ events: await stand.consume() }) },
            ],
            rounds,
            note,
          );
        } finally {
          await stand.close();
        }
      } finally {
        await Promise.all(started.map(stopServers));
      }
    });
    if (!ours || !bare) throw new Error("nothing was measured");
    return {
      title: `${routingOnEngines.title}: batches of ${batchSize}, one link matches each event`,
      columns: ["", "events/s", "of the bare consumer"],
      rows: [
        [ours.name, ours.median.events ?? 0, ratio(ours, bare, "events")],
        [bare.name, bare.median.events ?? 0, 1],
      ],
      remarks: [
        "The bare consumer reads by the same client and writes the same rows of ledger, bodies and executions into tables with the same indexes.",
      ],
    };
  },
};

async function start(engine: Engine, directory: string, note: (text: string) => void): Promise<Servers> {
  const programs = await engine.install(new Cache(cacheRoot(), note));
  const servers = await placeServers(engine, programs, directory, 1);
  note(`starting ${engine.title}`);
  await startServers(servers);
  return servers;
}

async function openStand(brokers: Servers, database: Servers) {
  const ids = createIds(systemClock, systemRandom);
  const around = { clock: systemClock, ids, log: silentLog };
  const url = postgres.environment(database.places).FX_CATALOG_URL as string;
  const catalog = await openPostgresCatalog({ ...around, url, connections: 5, alone: false });
  const bus = await openKafkaBus({
    ...around,
    connection: { brokers: brokers.places.map(brokerOf), prefix: "" },
    topics: { partitions: 4, replication: 1, maxMessageBytes: 5_000_000 },
    instance: ids.next(),
  });
  const manifest = manifestSchema.parse({ entrypoint: "main.py", trigger_events: ["bench.measured"] });
  const content = { scripts: ["main.py"], files: [{ path: "main.py", sizeBytes: 1, hash: "x" }], warnings: [] };
  const id = "version-1" as VersionId;
  await catalog.services.deploy({ id, project: "default", name: "service", manifest, ...content });
  const bare = await BareConsumer.open(url);

  async function publish(): Promise<void> {
    for (let sent = 0; sent < eventsARound; sent += batchSize) {
      const events = Array.from({ length: batchSize }, (): CloudEvent => sampleEvent());
      await bus.publish(events.map((event) => encodeRecord(topics.events, event)));
    }
  }

  return {
    /** Events a second, from the end of the first batch on. */
    async route(): Promise<number> {
      await publish();
      let routed = 0;
      let first = { routed: 0, at: 0 };
      const done = Promise.withResolvers<number>();
      const limits = { hops: 100, flowExecutions: 10_000 };
      const router = new Router({
        ...around,
        bus,
        catalog,
        limits,
        batchSize,
        onRouted({ matched }) {
          routed += matched;
          if (first.at === 0) first = { routed, at: performance.now() };
          if (routed >= eventsARound) done.resolve(((routed - first.routed) / (performance.now() - first.at)) * 1000);
        },
      });
      await router.start();
      const perSecond = await done.promise;
      await router.stop();
      await bare.take(eventsARound);
      return perSecond;
    },
    consume: () =>
      bare.consume(bus, "bare", eventsARound, batchSize, ({ value }) =>
        eventKeyOf(JSON.parse(Buffer.from(value).toString()) as CloudEvent),
      ),
    async close() {
      await bare.close();
      await bus.close();
      await catalog.close();
    },
  };
}
