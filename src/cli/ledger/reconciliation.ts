import type { Client } from "../connection/client.ts";

/** What the ledger says against what the backbone took (rule D15). */
export interface Reconciliation {
  balanced: boolean;
  pending: number;
  partitions: PartitionAccount[];
}

export interface PartitionAccount {
  topic: string;
  partition: number;
  accepted: number;
  routed: number;
  matched: number;
  unmatched: number;
  duplicate: number;
  rejected: number;
  counted: number;
  /** Offsets without an event. */
  passed: number;
  /** Accepted, and not routed yet. */
  pending: number;
  balanced: boolean;
}

export async function fetchReconciliation(api: Client): Promise<Reconciliation> {
  return api.get<Reconciliation>("/api/v1/ledger/reconcile");
}

/** Whether routing, as told by `now`, has covered everything that the backbone held at `then`. */
export function covers(now: Reconciliation, then: Reconciliation): boolean {
  return then.partitions.every(({ topic, partition, accepted }) => {
    const found = now.partitions.find((other) => other.topic === topic && other.partition === partition);
    return found === undefined || found.accepted - found.pending >= accepted;
  });
}
