/**
 * The event backbone: an append-only log of records in topics and partitions, read by consumer
 * groups. It carries; it decides nothing (what runs is decided in the catalog).
 */
export interface Bus {
  /**
   * Appends records. Resolves when all are durable, with their places in the order given. On
   * rejection any subset may have been appended; publishing again is safe for consumers that
   * deduplicate. Concurrent calls are committed together. Records of one partition key keep the
   * order of their publish calls.
   */
  publish(records: readonly NewRecord[]): Promise<Placement[]>;

  /**
   * Joins a consumer group. Each partition is read by one member at a time; when members come or
   * go the partitions are dealt anew and a member may see records again that another had read but
   * not committed: delivery is at least once.
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>;

  /** First and next offset of every partition of a topic: [earliest, next). */
  offsets(topic: string): Promise<PartitionOffsets[]>;

  /** Where a group goes on in each partition of a topic in which it has committed anything. */
  committed(group: string, topic: string): Promise<GroupPosition[]>;

  /** Reads without a group and without moving anything, from `offset` on; at most `limit` records. */
  peek(topic: string, partition: number, offset: number, limit: number): Promise<BusRecord[]>;

  /**
   * Wakes listeners of a channel: of `routed` and `outbox` those of this process, of the others wherever they are. Coalesced and
   * lossy: a hint, never the only way to learn.
   */
  signal(channel: SignalChannel): void;
  onSignal(channel: SignalChannel, listener: () => void): () => void;

  /**
   * Deletes records older than each topic's retention (rule D13). Answers how many went. What
   * `readers`, a group by topic, has not committed stays however old it is: an accepted event
   * must not go because the platform was switched off for longer than its retention.
   */
  prune(readers?: Readonly<Record<string, string>>): Promise<number>;

  close(): Promise<void>;
}

/** Dispatch: something may be claimable. Routed: the ledger grew. Outbox: it holds unsent rows. Links: the epoch moved. */
export type SignalChannel = "dispatch" | "routed" | "outbox" | "links" | "cancel" | "schedules";

export interface NewRecord {
  topic: string;
  /** Records of one key go to one partition. */
  key: string;
  value: Uint8Array;
  /** Latin-1 names and values; e.g. `content-type` as in the CloudEvents Kafka binding. */
  headers?: Readonly<Record<string, string>>;
}

export interface Placement {
  partition: number;
  offset: number;
}

export interface BusRecord extends Placement {
  topic: string;
  key: string;
  value: Uint8Array;
  headers: Readonly<Record<string, string>>;
  /** When the bus stored it, milliseconds since the epoch. */
  at: number;
  /** What of it was null where an outside program wrote it, and is empty here. Nothing was, where this is absent. */
  nulls?: RecordNulls;
  /** Of a subscription: offsets right before it that hold no record for readers, where there are such. */
  passed?: number;
}

export interface RecordNulls {
  key?: true;
  value?: true;
  /** Names of headers whose value was. */
  headers?: readonly string[];
}

export interface SubscribeOptions {
  group: string;
  topics: readonly string[];
  /** Where a group without committed offsets begins. */
  from: "earliest" | "latest";
  maxRecords: number;
  /**
   * Where to go on instead of where the group committed: asked whenever partitions are dealt to this member, before anything of
   * them is read. What it does not name goes on where the group committed.
   */
  resumeAt?(): Promise<readonly GroupPosition[]>;
}

export interface Subscription {
  /**
   * Records in offset order within each partition, at most `maxRecords`; waits until there is at
   * least one. Undefined once `signal` aborts or the subscription or bus is closed. What was
   * returned is not returned again to this member unless it seeks or the partitions are dealt anew.
   * Of a bus whose partitions may end with offsets that hold no record there may also be none: then
   * such were passed.
   */
  next(signal?: AbortSignal): Promise<BusRecord[] | undefined>;
  /**
   * Of such a bus: the next offsets to read of partitions where offsets without a record lie behind all that was returned, and how
   * many they are. Each is told once.
   */
  passed?(): readonly PassedOffsets[];
  /** Stores the group's position: the next offset to read, per partition. Never moves backwards. */
  commit(positions: readonly GroupPosition[]): Promise<void>;
  /** Continues a partition from this offset. */
  seek(position: GroupPosition): void;
  close(): Promise<void>;
}

export interface GroupPosition {
  topic: string;
  partition: number;
  /** The next offset to read. */
  offset: number;
}

export interface PassedOffsets extends GroupPosition {
  passed: number;
}

export interface PartitionOffsets {
  partition: number;
  earliest: number;
  next: number;
}
