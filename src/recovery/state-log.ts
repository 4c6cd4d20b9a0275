import type { Bus, NewRecord } from "../bus/bus.ts";
import type { StateEntry, StateOwner, StateStore } from "../config-store/state-store.ts";
import { decodeStateRecord, encodeStateRecord, stateKey } from "../events/state-record.ts";
import { topics } from "../events/topics.ts";

const pageSize = 1000;
/** Values may have half a megabyte each. */
const appendedAtOnce = 100;

/**
 * Makes the configuration store and the backbone's state log agree at start (rule D11): what the
 * store lost is taken from the log, highest version first; what a crash kept from the log is appended.
 */
export async function reconcileState(
  bus: Bus,
  store: StateStore,
): Promise<{ restored: number; appended: number; unreadable: number }> {
  const { newest, unreadable } = await readLog(bus);
  let restored = 0;
  for (const { owner, key, entry } of newest.values()) {
    if (await store.restore(owner, key, entry)) restored += 1;
  }
  let appended = 0;
  let lacking: NewRecord[] = [];
  const append = async () => {
    if (lacking.length > 0) await bus.publish(lacking);
    appended += lacking.length;
    lacking = [];
  };
  for await (const { service, key, entry } of store.all()) {
    const logged = newest.get(stateKey(service, key));
    if (logged !== undefined && logged.entry.version >= entry.version) continue;
    lacking.push(encodeStateRecord(service, key, entry));
    if (lacking.length === appendedAtOnce) await append();
  }
  await append();
  return { restored, appended, unreadable };
}

interface Logged {
  owner: StateOwner;
  key: string;
  entry: StateEntry;
}

async function readLog(bus: Bus): Promise<{ newest: Map<string, Logged>; unreadable: number }> {
  const newest = new Map<string, Logged>();
  let unreadable = 0;
  for (const { partition, earliest, next } of await bus.offsets(topics.state)) {
    for (let offset = earliest; offset < next; ) {
      const records = await bus.peek(topics.state, partition, offset, pageSize);
      if (records.length === 0) break;
      for (const record of records) {
        const logged = decodeStateRecord(record.value);
        if (logged === undefined) {
          unreadable += 1;
          continue;
        }
        const name = stateKey(logged.owner, logged.key);
        const known = newest.get(name);
        if (known === undefined || known.entry.version < logged.entry.version) newest.set(name, logged);
      }
      offset = (records.at(-1)?.offset ?? offset) + 1;
    }
  }
  return { newest, unreadable };
}
