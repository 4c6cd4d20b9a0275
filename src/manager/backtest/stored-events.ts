import type { LedgerEntry, LedgerStore } from "../../catalog/ledger.ts";

const pageSize = 200;
/** Most types below a prefix that are looked at together. */
export const maxTypes = 200;

interface Source {
  entries: LedgerEntry[];
  next: string | undefined;
  type: string;
}

export interface StoredEvents {
  entries: AsyncGenerator<LedgerEntry, void>;
  /** There are more than `maxTypes` types below the prefix; the last in their order are left out. */
  typesLeftOut: boolean;
}

/**
 * What the ledger holds of a type, exact or with a trailing `.*`, newest first. Reads page by page
 * along the index of types, and of a prefix each type beside the others, so that the order is one of time.
 */
export async function storedEvents(
  ledger: LedgerStore,
  pattern: string,
  range: { from?: number; to?: number },
): Promise<StoredEvents> {
  if (!pattern.endsWith(".*")) return { entries: merged(ledger, [pattern], range), typesLeftOut: false };
  const types = await ledger.typesBelow(pattern.slice(0, -1), maxTypes + 1);
  return { entries: merged(ledger, types.slice(0, maxTypes), range), typesLeftOut: types.length > maxTypes };
}

async function* merged(
  ledger: LedgerStore,
  types: readonly string[],
  { from, to }: { from?: number; to?: number },
): AsyncGenerator<LedgerEntry, void> {
  const limit = Math.max(10, Math.floor(pageSize / Math.max(1, types.length)));
  const read = async (type: string, after: string | undefined): Promise<Source> => {
    const { items, next } = await ledger.list({ type, from, to }, { limit, after });
    return { entries: items, next, type };
  };
  let sources: Source[] = [];
  for (const type of types) sources.push(await read(type, undefined));
  for (;;) {
    sources = sources.filter(({ entries, next }) => entries.length > 0 || next !== undefined);
    let newest: Source | undefined;
    for (const source of sources) if (newest === undefined || isNewer(source, newest)) newest = source;
    if (newest === undefined) return;
    const entry = newest.entries.shift();
    if (entry !== undefined) yield entry;
    if (newest.entries.length === 0 && newest.next !== undefined) {
      Object.assign(newest, await read(newest.type, newest.next));
    }
  }
}

function isNewer({ entries: [left] }: Source, { entries: [right] }: Source): boolean {
  if (left === undefined || right === undefined) return right === undefined;
  return left.receivedAt > right.receivedAt || (left.receivedAt === right.receivedAt && left.seq > right.seq);
}
