import type { Bus } from "../bus/bus.ts";
import type { ConfigStore, StateOwner, StateValue } from "../config-store/config-store.ts";
import { decodeStateRecord, encodeStateRecord, stateKey } from "../events/state-record.ts";
import { topics } from "../events/topics.ts";

const pageSize = 1000;

/**
 * Makes the configuration store and the backbone's state log agree at start (rule D11): what the
 * store lost is taken from the log, highest version first; what a crash kept from the log is appended.
 */
export async function reconcileState(
  bus: Bus,
  store: ConfigStore,
): Promise<{ restored: number; appended: number; unreadable: number }> {
  const { newest, unreadable } = await readLog(bus);
  let restored = 0;
  for (const { owner, key, value } of newest.values()) {
    if (await store.restoreState(owner, key, value)) restored += 1;
  }
  let appended = 0;
  for await (const { service, key, value } of store.allState()) {
    const logged = newest.get(stateKey(service, key));
    if (logged !== undefined && logged.value.version >= value.version) continue;
    await bus.publish([encodeStateRecord(service, key, value)]);
    appended += 1;
  }
  return { restored, appended, unreadable };
}

interface Logged {
  owner: StateOwner;
  key: string;
  value: StateValue;
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
        if (known === undefined || known.value.version < logged.value.version) newest.set(name, logged);
      }
      offset = (records.at(-1)?.offset ?? offset) + 1;
    }
  }
  return { newest, unreadable };
}
