import type { CloudEvent } from "../events/cloud-event.ts";

/** Events that a catalog change implies, until they are on the bus (rule D1). */
export interface OutboxStore {
  /** The oldest unsent, in the order they were written. They stay until cleared. */
  peek(limit: number): Promise<OutboxEntry[]>;
  /** Removes what is durably on the bus. Clearing twice is harmless; after a power cut some of it may be there again. */
  clear(ids: readonly number[]): Promise<void>;
}

export interface OutboxEntry {
  id: number;
  topic: string;
  event: CloudEvent;
}
