/**
 * How far each adapter has come: what of its source has been made into events. Written after the
 * events are durable, so that a crash in between makes the same events again, which are then repeats.
 */
export interface AdapterMarkStore {
  /** All marks of an adapter, by key. */
  marks(adapter: string): Promise<Map<string, string>>;
  /** Sets marks and forgets keys, in one transaction. */
  update(adapter: string, change: { set: ReadonlyMap<string, string>; forget: readonly string[] }): Promise<void>;
}
