import type { CloudEvent } from "../events/cloud-event.ts";

/** Events that a catalog change implies, until they are on the bus (rule D1). */
export interface OutboxStore {
  /** The oldest unsent, in the order they were written; also those that somebody has in hand. */
  peek(limit: number): Promise<OutboxEntry[]>;
  /**
   * Gives the oldest unsent to `publish`, in the order they were written, and removes them once they are durably on the
   * bus: when it resolves. Where it rejects they stay. Of several processes none gets what another has in hand; what one
   * had that is gone, or stood still for a minute, is given to the next. After a crash or a power cut some are given again. Answers how many were sent.
   */
  send(limit: number, publish: (entries: readonly OutboxEntry[]) => Promise<void>): Promise<number>;
}

export interface OutboxEntry {
  id: number;
  topic: string;
  event: CloudEvent;
}
