import { describe, onTestFinished } from "vitest";
import { brokerOf } from "../../../engines/kafka.ts";
import { busContract } from "../../../src/bus/bus.contract.ts";
import type { Bus } from "../../../src/bus/bus.ts";
import { openKafkaBus } from "../../../src/bus/kafka.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { createIds } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { sharedServers } from "../../support/engines.ts";

const ids = createIds(systemClock, systemRandom);

async function open(options: {
  prefix: string;
  partitions: number;
  retentionMs?: Record<string, number>;
}): Promise<Bus> {
  const { prefix, partitions, retentionMs } = options;
  const bus = await openKafkaBus({
    connection: { brokers: sharedServers("kafka").map(brokerOf), prefix },
    topics: { partitions, replication: 1, maxMessageBytes: 32 * 1024 * 1024 },
    retentionMs,
    instance: ids.next(),
    clock: systemClock,
    log: silentLog,
  });
  onTestFinished(() => bus.close());
  return bus;
}

describe("the bus's contract on Kafka", () => {
  busContract({
    async open({ partitions, retentionMs }) {
      const options = { prefix: `${ids.next()}.`, partitions, ...(retentionMs && { retentionMs }) };
      const bus = await open(options);
      const reopen = async () => {
        await bus.close();
        return open(options);
      };
      return { bus, reopen };
    },
    capabilities: { retentionByClock: false },
  });
});
