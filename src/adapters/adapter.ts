/**
 * Makes events of what happens outside. One message of the source is one event, however often the
 * source says it: the event's id derives from the message. The source is told that a message was
 * taken (or the adapter remembers so) only after the event is durable, so that a crash in between
 * makes the same event again, which the ledger knows for a repeat. Held to it by adapter.contract.ts.
 */
export interface Adapter {
  /** For the log, and for its marks in the catalog. */
  readonly name: string;
  /** Resolves once it takes messages, or tries to: a source that is not there is waited for. */
  start(): Promise<void>;
  /** Resolves when the message under way is taken or given up; nothing is sent afterwards. */
  stop(): Promise<void>;
}
