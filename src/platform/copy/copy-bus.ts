import type { Bus, BusRecord } from "../../bus/bus.ts";
import { topics } from "../../events/topics.ts";
import { sha256Parts } from "../../foundation/hash.ts";
import { reconcileState } from "../../recovery/state-log.ts";
import type { Both } from "./open-both.ts";

const pageSize = 100;

export interface CopiedBus {
  deadLetters: number;
  /** Entries of the state log. */
  state: number;
}

/**
 * What of a backbone is no message on its way: dead letters, and the log that state comes back from (rule D11). All else
 * was read to its end before, and its effects are in the stores.
 */
export async function copyBus({ source, target }: Both): Promise<CopiedBus> {
  // An earlier try may have sent some.
  const sent = new Set<string>();
  for await (const page of pagesOf(target.bus, topics.deadLetter))
    for (const record of page) sent.add(digestOf(record));
  let deadLetters = 0;
  for await (const page of pagesOf(source.bus, topics.deadLetter)) {
    deadLetters += page.length;
    const missing = page.filter((record) => !sent.has(digestOf(record)));
    await target.bus.publish(missing.map(({ topic, key, value, headers }) => ({ topic, key, value, headers })));
  }
  const { appended } = await reconcileState(target.bus, target.configStore.state);
  return { deadLetters, state: appended };
}

async function* pagesOf(bus: Bus, topic: string): AsyncGenerator<BusRecord[]> {
  for (const { partition, earliest, next } of await bus.offsets(topic)) {
    for (let offset = earliest; offset < next; ) {
      const records = await bus.peek(topic, partition, offset, pageSize);
      if (records.length === 0) break;
      yield records;
      offset = (records.at(-1)?.offset ?? offset) + 1;
    }
  }
}

/** A dead letter names the place that its record had: no two are alike. */
function digestOf({ key, value, headers }: BusRecord): string {
  return sha256Parts(key, value, JSON.stringify(Object.entries(headers).sort()));
}
