import { brokerOf } from "../engines/kafka.ts";
import { postgres } from "../engines/postgres.ts";
import type { Servers } from "../engines/servers.ts";
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
import { engineServers, freshDatabase, ownName } from "./support/engines.ts";
import { processorMsBelow } from "./support/processes.ts";
import { interleaved, ratio } from "./support/rounds.ts";
import { sampleEvent } from "./support/sample-event.ts";

const eventsARound = 10_000;
const batchSize = 500;

/** One router between a real Kafka and a real PostgreSQL, beside a loop that only consumes and writes the same rows. */
export const routingOnEngines: Bench = {
  name: "routing-on-engines",
  title: "Routing from Kafka to PostgreSQL",
  async run({ rounds, note }) {
    const stand = await openStand(await engineServers("kafka", note), await engineServers("postgres", note));
    try {
      const [ours, bare] = await interleaved(
        [
          { name: "one router", measure: () => stand.route() },
          { name: "bare consumer", measure: () => stand.consume() },
        ],
        rounds,
        note,
      );
      if (!ours || !bare) throw new Error("nothing was measured");
      return {
        title: `${routingOnEngines.title}: batches of ${batchSize}, one link matches each event`,
        columns: ["", "events/s", "of the bare consumer", "ms of its processor each", "PostgreSQL"],
        rows: [ours, bare].map((each) => [
          each.name,
          each.median.events ?? 0,
          ratio(each, bare, "events"),
          each.median.ownMs ?? 0,
          each.median.databaseMs ?? 0,
        ]),
        figures: { "one router": ours.median },
        remarks: [
          "The bare consumer reads by the same client and writes the same rows of ledger, bodies and executions into tables with the same indexes.",
        ],
      };
    } finally {
      await stand.close();
    }
  },
};

async function openStand(brokers: Servers, database: Servers) {
  const ids = createIds(systemClock, systemRandom);
  const around = { clock: systemClock, ids, log: silentLog };
  const name = ownName();
  const url = await freshDatabase(postgres.environment(database.places).FX_CATALOG_URL as string, name);
  const catalog = await openPostgresCatalog({ ...around, url, connections: 5, alone: false });
  const bus = await openKafkaBus({
    ...around,
    connection: { brokers: brokers.places.map(brokerOf), prefix: `${name}.` },
    topics: { partitions: 4, replication: 1, maxMessageBytes: 5_000_000 },
    instance: ids.next(),
  });
  const manifest = manifestSchema.parse({ entrypoint: "main.py", trigger_events: ["bench.measured"] });
  const content = { scripts: ["main.py"], files: [{ path: "main.py", sizeBytes: 1, hash: "x" }], warnings: [] };
  const id = "version-1" as VersionId;
  await catalog.services.deploy({ id, project: "default", name: "service", manifest, ...content });
  const bare = await BareConsumer.open(url);

  const spent = () => {
    const { user, system } = process.cpuUsage();
    return { own: (user + system) / 1000, database: processorMsBelow(database.processes[0]?.pid ?? 0) };
  };
  const figuresSince = (before: ReturnType<typeof spent>, events: number) => {
    const now = spent();
    return {
      events,
      ownMs: (now.own - before.own) / eventsARound,
      databaseMs: (now.database - before.database) / eventsARound,
    };
  };

  async function publish(): Promise<void> {
    for (let sent = 0; sent < eventsARound; sent += batchSize) {
      const events = Array.from({ length: batchSize }, (): CloudEvent => sampleEvent());
      await bus.publish(events.map((event) => encodeRecord(topics.events, event)));
    }
  }

  return {
    /** Events a second, from the end of the first batch on. */
    async route() {
      await publish();
      const before = spent();
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
      const figures = figuresSince(before, perSecond);
      await router.stop();
      await bare.take(eventsARound);
      return figures;
    },
    async consume() {
      const before = spent();
      const perSecond = await bare.consume(bus, "bare", eventsARound, batchSize, ({ value }) =>
        eventKeyOf(JSON.parse(Buffer.from(value).toString()) as CloudEvent),
      );
      return figuresSince(before, perSecond);
    },
    async close() {
      await bare.close();
      await bus.close();
      await catalog.close();
    },
  };
}
