import type { DialectLock } from "../dialects/dialect-traits.ts";
import type { ServiceName } from "../leases.ts";
import type { StoreContext, Tx } from "./store-context.ts";

/**
 * What a transaction must be alone with, where several run at once. Each takes what it needs in the order of this
 * list, before it writes what the lock guards, and keeps it to its end; so none waits in a circle.
 */
const kinds = {
  /** Services, links and mappings: people change them one at a time, and routing goes on beside routing only. */
  links: 1,
  /** What retention deletes, and whoever starts runs builds on: an event's body. */
  history: 2,
  eventTypes: 3,
  /** Positions and counts of partitions. */
  partition: 4,
  /** The order in which the ledger is numbered is the one in which it is seen. */
  ledger: 5,
  /** Executions, turns, throttle and queue of services. */
  service: 6,
  /** Rules of alerts, and what is seen for them. */
  alerts: 7,
} as const;

/** Names share so many locks of a kind: a transaction over thousands of services still holds few. */
const stripes = 256;

export const linksLock = lock(kinds.links);
export const linksReadLock = lock(kinds.links, 0, true);
export const historyLock = lock(kinds.history);
export const historyReadLock = lock(kinds.history, 0, true);
export const eventTypesLock = lock(kinds.eventTypes);
export const alertsLock = lock(kinds.alerts);
export const ledgerLock = lock(kinds.ledger);
export const ledgerWriteLock = lock(kinds.ledger, 0, true);

export function serviceLock({ project, service }: ServiceName): DialectLock {
  return lock(kinds.service, stripeOf(`${project}/${service}`));
}

/**
 * Waits for the locks and holds them until the transaction ends. Answers whether others may have changed something
 * meanwhile, so that what was read before is to be read again.
 */
export async function hold({ traits }: StoreContext, tx: Tx, locks: readonly DialectLock[]): Promise<boolean> {
  if (traits.locks === undefined || locks.length === 0) return false;
  await traits.locks.take(tx, inOrder(locks));
  return true;
}

/** Holds partitions, and besides what routing reads. */
export function holdPartitions(
  context: StoreContext,
  tx: Tx,
  places: readonly { topic: string; partition: number }[],
  others: readonly DialectLock[] = [],
): Promise<boolean> {
  const partitionLock = (place: (typeof places)[number]) =>
    lock(kinds.partition, stripeOf(`${place.topic} ${place.partition}`));
  return hold(context, tx, context.traits.locks === undefined ? [] : [...others, ...places.map(partitionLock)]);
}

/** Holds the services, of executions or otherwise. */
export function holdServices(context: StoreContext, tx: Tx, services: readonly ServiceName[]): Promise<boolean> {
  return hold(context, tx, context.traits.locks === undefined ? [] : services.map(serviceLock));
}

/** What a run by name needs: to be taken before anything else that is changed with it. */
export function holdForRun(context: StoreContext, tx: Tx, service: ServiceName): Promise<boolean> {
  return hold(context, tx, [historyReadLock, serviceLock(service)]);
}

function lock(kind: number, n = 0, shared = false): DialectLock {
  return { kind, n, shared };
}

function inOrder(locks: readonly DialectLock[]): DialectLock[] {
  const distinct = new Map(locks.map((lock) => [lock.kind * stripes + lock.n, lock]));
  return [...distinct.entries()].sort(([a], [b]) => a - b).map(([, lock]) => lock);
}

/** FNV-1a. */
function stripeOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return (hash >>> 0) % stripes;
}
