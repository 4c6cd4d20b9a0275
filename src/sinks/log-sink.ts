import type { Bus, BusRecord, GroupPosition, Subscription } from "../bus/bus.ts";
import { logGroup } from "../events/consumer-groups.ts";
import { deadLetter } from "../events/dead-letter.ts";
import { topics } from "../events/topics.ts";
import { decodeLogRecord } from "../executions/log-codec.ts";
import type { LogRecord } from "../executions/log-record.ts";
import { type Clock, sleep } from "../foundation/clock.ts";
import { isPlatformError, messageOf } from "../foundation/errors.ts";
import type { Log } from "../foundation/log.ts";
import type { OpsData } from "../ops-data/ops-data.ts";

export interface LogSinkParts {
  bus: Bus;
  opsData: OpsData;
  clock: Clock;
  log: Log;
  /** Records stored at once. */
  batchSize?: number;
}

interface Decoded {
  record: BusRecord;
  logRecord: LogRecord;
}

/**
 * Carries output and logs from the backbone to the operational data. Stored before committed: a
 * crash in between stores them again, which changes nothing. A record that cannot be stored goes to
 * the dead letters and the partition moves on (rule D12); a store that is down is waited for.
 */
export class LogSink {
  readonly #parts: LogSinkParts;
  readonly #stopping = new AbortController();
  #done: Promise<void> | undefined;

  constructor(parts: LogSinkParts) {
    this.#parts = parts;
  }

  /** Resolves once it reads; a failure to subscribe rejects. */
  async start(): Promise<void> {
    const { bus, batchSize = 500 } = this.#parts;
    const subscription = await bus.subscribe({
      group: logGroup,
      topics: [topics.logs],
      from: "earliest",
      maxRecords: batchSize,
    });
    this.#done = this.#run(subscription);
  }

  /** Resolves when the batch under way is stored and committed, or has failed once more. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #run(subscription: Subscription): Promise<void> {
    const { log } = this.#parts;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const read = await this.#persist("read the bus", () => subscription.next(signal));
      if (read?.result === undefined || !(await this.#storeAll(read.result))) break;
      try {
        await subscription.commit(nextPositions(read.result));
      } catch (error) {
        log.warn({ error: messageOf(error) }, "could not commit the place in the logs; some are read again");
      }
    }
    await subscription.close();
  }

  /** False when stopped before every record was stored or set aside. */
  async #storeAll(records: readonly BusRecord[]): Promise<boolean> {
    const decoded: Decoded[] = [];
    for (const record of records) {
      const logRecord = decodeLogRecord(record.value);
      if (logRecord !== undefined) decoded.push({ record, logRecord });
      else if (!(await this.#setAside(record, "is not a log record"))) return false;
    }
    return this.#store(decoded);
  }

  async #store(decoded: readonly Decoded[]): Promise<boolean> {
    const [first] = decoded;
    if (first === undefined) return true;
    try {
      const records = decoded.map(({ logRecord }) => logRecord);
      return (await this.#persist("store logs", () => this.#parts.opsData.append(records))) !== undefined;
    } catch (error) {
      if (decoded.length === 1) return this.#setAside(first.record, `could not be stored: ${messageOf(error)}`);
      // One of them is at fault: the others must not go with it.
      const middle = Math.ceil(decoded.length / 2);
      return (await this.#store(decoded.slice(0, middle))) && (await this.#store(decoded.slice(middle)));
    }
  }

  async #setAside(record: BusRecord, reason: string): Promise<boolean> {
    const { bus, log } = this.#parts;
    const { topic, partition, offset } = record;
    log.warn({ topic, partition, offset, reason }, "a log record goes to the dead letters");
    return (await this.#persist("write a dead letter", () => bus.publish([deadLetter(record, reason)]))) !== undefined;
  }

  /** Repeats what fails for a passing reason. Undefined when the sink was stopped meanwhile; other failures are thrown. */
  async #persist<Result>(what: string, work: () => Promise<Result>): Promise<{ result: Result } | undefined> {
    const { clock, log } = this.#parts;
    for (let failures = 0; ; failures += 1) {
      try {
        const result = await work();
        if (failures > 0) log.info({ failures }, `could ${what} again`);
        return { result };
      } catch (error) {
        if (!isPlatformError(error) || !error.retryable) throw error;
        if (failures === 0) log.warn({ error: error.message }, `could not ${what}, will try again`);
        await sleep(clock, Math.min(20 * 2 ** Math.min(failures, 10), 5000), this.#stopping.signal);
        if (this.#stopping.signal.aborted) return undefined;
      }
    }
  }
}

function nextPositions(records: readonly BusRecord[]): GroupPosition[] {
  const positions = new Map<number, GroupPosition>();
  for (const { topic, partition, offset } of records)
    positions.set(partition, { topic, partition, offset: offset + 1 });
  return [...positions.values()];
}
