import type { Client } from "../connection/client.ts";

export interface Reconciliation {
  balanced: boolean;
  partitions: PartitionAccount[];
}

export interface PartitionAccount {
  topic: string;
  partition: number;
}

export async function fetchReconciliation(api: Client): Promise<Reconciliation> {
  return api.get<Reconciliation>("/api/v1/ledger/reconcile");
}

/** Whether the routers have read everything that the backbone holds. */
export async function allIsRouted(api: Client): Promise<boolean> {
  return (await fetchReconciliation(api)).balanced;
}
