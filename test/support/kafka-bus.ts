import { onTestFinished } from "vitest";
import type { ServerPlace } from "../../engines/engine.ts";
import { brokerOf } from "../../engines/kafka.ts";
import type { Bus } from "../../src/bus/bus.ts";
import type { KafkaConnection } from "../../src/bus/kafka/connection.ts";
import { openKafkaBus } from "../../src/bus/kafka.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { createIds } from "../../src/foundation/ids.ts";
import { type Log, silentLog } from "../../src/foundation/log.ts";
import { systemRandom } from "../../src/foundation/random.ts";

const ids = createIds(systemClock, systemRandom);

export interface KafkaUnderTest extends Partial<KafkaConnection> {
  servers: readonly ServerPlace[];
  partitions?: number;
  replication?: number;
  maxMessageBytes?: number;
  retentionMs?: Record<string, number>;
  log?: Log;
}

/** In front of the names of one test's topics and groups: a cluster is shared. */
export function newPrefix(): string {
  return `${ids.next()}.`;
}

/** A bus as one process opens it; closed when the test ends. */
export async function openKafka(options: KafkaUnderTest): Promise<Bus> {
  const { servers, partitions = 1, replication = 1, maxMessageBytes = 32 * 1024 * 1024, log = silentLog } = options;
  const { prefix = newPrefix(), brokers = servers.map(brokerOf), retentionMs, compression, tls, sasl } = options;
  const bus = await openKafkaBus({
    connection: { brokers, prefix, compression, tls, sasl },
    topics: { partitions, replication, maxMessageBytes },
    retentionMs,
    instance: ids.next(),
    clock: systemClock,
    log,
  });
  onTestFinished(() => bus.close());
  return bus;
}
