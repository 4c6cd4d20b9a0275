import type { CloudEvent } from "../events/cloud-event.ts";
import type { EventKey, ExecutionId } from "../foundation/ids.ts";
import type { LinkVerdict } from "../services/link-index.ts";
import type { MappingVerdict } from "../services/mapping-index.ts";
import type { Page, PageRequest } from "./paging.ts";

/** Every accepted event's one outcome, with the reason. */
export interface LedgerStore {
  get(key: EventKey): Promise<LedgerEntry | undefined>;
  /** Digests of those that the ledger holds. */
  digests(keys: readonly EventKey[]): Promise<Map<EventKey, string>>;
  /** Newest first. */
  list(filter: LedgerFilter, page: PageRequest): Promise<Page<LedgerEntry>>;
  /** Entries after a place in the order they were decided, for a live tail. */
  since(seq: number, filter: LedgerFilter, limit: number): Promise<LedgerEntry[]>;
  /** The newest `seq`; 0 when the ledger is empty. */
  latestSeq(): Promise<number>;
  /** All events of a flow in the order they were decided, at most `limit`. */
  flow(correlationId: string, limit: number): Promise<LedgerEntry[]>;
  /** The types, at most `limit` in their order, of stored events below a prefix such as "order.". */
  typesBelow(prefix: string, limit: number): Promise<string[]>;
  /** Counts per topic and partition since the beginning (rule D15). */
  totals(): Promise<PartitionTotals[]>;
}

export const ledgerOutcomes = ["matched", "unmatched", "rejected"] as const;
export type LedgerOutcome = (typeof ledgerOutcomes)[number];

export interface LedgerEntry {
  /** Order of decision; grows. */
  seq: number;
  key: EventKey;
  event: CloudEvent;
  outcome: LedgerOutcome;
  reason: string | undefined;
  links: LedgerLink[];
  /** Of every mapping that takes its type. */
  mappings: MappingVerdict[];
  /** Retention has taken its data. */
  stripped: boolean;
  sequence: number;
  receivedAt: number;
  decidedAt: number;
}

export interface LedgerLink extends LinkVerdict {
  executionId: ExecutionId | undefined;
}

export interface LedgerFilter {
  type?: string | undefined;
  source?: string | undefined;
  id?: string | undefined;
  correlationId?: string | undefined;
  project?: string | undefined;
  outcome?: LedgerOutcome | undefined;
  /** Received at or after, and before; milliseconds since the epoch. */
  from?: number | undefined;
  to?: number | undefined;
}

/** Of one partition: the offsets that routing covered, and what became of them. */
export interface PartitionTotals {
  topic: string;
  partition: number;
  fromOffset: number;
  toOffset: number;
  matched: number;
  unmatched: number;
  duplicate: number;
  rejected: number;
  counted: number;
  /** Offsets that hold no record for readers. */
  passed: number;
}
