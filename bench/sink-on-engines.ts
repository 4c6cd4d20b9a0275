import { brokerOf } from "../engines/kafka.ts";
import { openKafkaBus } from "../src/bus/kafka.ts";
import { encodeLogRecord } from "../src/executions/log-codec.ts";
import type { LogRecord } from "../src/executions/log-record.ts";
import { systemClock } from "../src/foundation/clock.ts";
import { createIds } from "../src/foundation/ids.ts";
import { silentLog } from "../src/foundation/log.ts";
import { systemRandom } from "../src/foundation/random.ts";
import { threadIdleTime } from "../src/foundation/turn.ts";
import { ElasticsearchOpsData } from "../src/ops-data/elasticsearch.ts";
import { LogSink } from "../src/sinks/log-sink.ts";
import { BareIndexer } from "./contenders/bare-indexer.ts";
import type { Bench } from "./support/bench.ts";
import { engineServers, ownName } from "./support/engines.ts";
import { processorMsBelow } from "./support/processes.ts";
import { interleaved, ratio } from "./support/rounds.ts";

const batchSize = 500;
const recordsARound = 3000;
const linesARecord = 10;
/** The record itself, and its lines. */
const documentsARecord = 1 + linesARecord;

/** Output from Kafka to OpenSearch by the sink, beside a loop that only consumes and sends the same bulk requests. */
export const sinkOnEngines: Bench = {
  name: "sink-on-engines",
  title: "Output from Kafka to OpenSearch",
  async run({ rounds, note }) {
    const stand = await openStand(note);
    try {
      const contenders = [
        { name: "the sink", measure: () => stand.sink() },
        { name: "bare bulk loop", measure: () => stand.consume(true) },
        { name: "- that makes nothing searchable", measure: () => stand.consume(false) },
      ];
      const measured = await interleaved(contenders, rounds, note);
      const [ours, bare] = measured;
      if (!ours || !bare) throw new Error("nothing was measured");
      return {
        title: `${sinkOnEngines.title}: batches of ${batchSize} records of ${linesARecord} lines`,
        columns: ["", "documents/s", "of the bare loop", "ms of our processor for 1,000", "OpenSearch"],
        rows: measured.map((each) => [
          each.name,
          each.median.documents ?? 0,
          ratio(each, bare, "documents"),
          each.median.ownMs ?? 0,
          each.median.serverMs ?? 0,
        ]),
        figures: { "the sink": ours.median },
        remarks: [
          "A record and each of its lines are documents. The bare loop reads by the same client, and its requests are made before it begins; the sink decodes records, finds their lines and makes the requests. Each of the sink's requests asks the server to make its documents searchable before it answers, which whoever reads a run's output relies on.",
        ],
      };
    } finally {
      await stand.close();
    }
  },
};

async function openStand(note: (text: string) => void) {
  const ids = createIds(systemClock, systemRandom);
  const name = ownName();
  const kafka = await engineServers("kafka", note);
  const opensearch = await engineServers("opensearch", note);
  const brokers = kafka.places.map(brokerOf);
  const { FX_OPS_DATA_URL: url = "" } = opensearch.engine.environment(opensearch.places);
  const around = { clock: systemClock, log: silentLog };
  const bus = await openKafkaBus({
    ...around,
    connection: { brokers, prefix: `${name}.` },
    topics: { partitions: 4, replication: 1, maxMessageBytes: 5_000_000 },
    instance: ids.next(),
  });
  const connection = { url };
  const opsData = await ElasticsearchOpsData.open({ connection, indices: { prefix: name, replicas: 0 } });
  const bare = await BareIndexer.open(url, `${name}-bare`);
  let bareGroups = 0;

  const spent = () => {
    const { user, system } = process.cpuUsage();
    return { own: (user + system) / 1000, server: processorMsBelow(opensearch.processes[0]?.pid ?? 0) };
  };
  const figuresSince = (before: ReturnType<typeof spent>, recordsPerSecond: number) => {
    const now = spent();
    const thousands = (recordsARound * documentsARecord) / 1000;
    return {
      documents: recordsPerSecond * documentsARecord,
      ownMs: (now.own - before.own) / thousands,
      serverMs: (now.server - before.server) / thousands,
    };
  };

  async function publish(): Promise<LogRecord[]> {
    const records = Array.from({ length: recordsARound }, (_, n) => outputOf(ids.next(), n));
    for (let from = 0; from < records.length; from += batchSize) {
      await bus.publish(records.slice(from, from + batchSize).map(encodeLogRecord));
    }
    return records;
  }

  return {
    /** Documents a second, from the end of the first batch on. */
    async sink() {
      await publish();
      let stored = 0;
      let first = { stored: 0, at: 0 };
      const done = Promise.withResolvers<number>();
      const append = async (records: readonly LogRecord[]) => {
        await opsData.append(records);
        stored += records.length;
        if (first.at === 0) first = { stored, at: performance.now() };
        if (stored >= recordsARound) done.resolve(((stored - first.stored) / (performance.now() - first.at)) * 1000);
      };
      const before = spent();
      const sink = new LogSink({ ...around, bus, opsData: { append }, batchSize, idleTime: threadIdleTime });
      await sink.start();
      const perSecond = await done.promise;
      await sink.stop();
      return figuresSince(before, perSecond);
    },
    async consume(refresh: boolean) {
      bareGroups += 1;
      await bare.prepare(await publish());
      const before = spent();
      const perSecond = await bare.consume(bus, `bare-${bareGroups}`, recordsARound, batchSize, refresh);
      return figuresSince(before, perSecond);
    },
    async close() {
      bare.close();
      await opsData.close();
      await bus.close();
    },
  };
}

function outputOf(executionId: string, n: number): LogRecord {
  const lines = Array.from(
    { length: linesARecord },
    (_, line) =>
      `request${n * linesARecord + line} user${n % 97} session${n % 89} answered with status ${200 + (n % 5)} after ${n % 613} ms\n`,
  );
  return {
    executionId,
    project: "default",
    service: `service-${n % 20}`,
    correlationId: executionId,
    attempt: 1,
    step: 1,
    script: "main.py",
    seq: 1,
    at: Date.now(),
    stream: "stdout",
    level: undefined,
    bytes: Buffer.from(lines.join("")),
  };
}
