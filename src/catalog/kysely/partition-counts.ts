import type { Passed, RoutedPosition } from "../routing.ts";
import { BulkInsert } from "./bulk-insert.ts";
import { Statement } from "./statement.ts";
import type { StoreContext, Tx } from "./store-context.ts";

export type OffsetOutcome = "matched" | "unmatched" | "duplicate" | "rejected" | "counted";

/** Where a partition's routing stands; offsets below `to` are covered and never counted again (rule D15). */
interface Partition {
  topic: string;
  partition: number;
  from: number;
  to: number;
  counts: Record<OffsetOutcome | "passed", number>;
}

const countColumns = [
  "topic",
  "partition",
  "from_offset",
  "to_offset",
  "matched",
  "unmatched",
  "duplicate",
  "rejected",
  "counted",
  "passed",
] as const;

const addTotals = new BulkInsert("partitions", countColumns, (query) =>
  query.onConflict((conflict) =>
    conflict.columns(["topic", "partition"]).doUpdateSet((eb) => ({
      to_offset: eb.ref("excluded.to_offset"),
      matched: eb("partitions.matched", "+", eb.ref("excluded.matched")),
      unmatched: eb("partitions.unmatched", "+", eb.ref("excluded.unmatched")),
      duplicate: eb("partitions.duplicate", "+", eb.ref("excluded.duplicate")),
      rejected: eb("partitions.rejected", "+", eb.ref("excluded.rejected")),
      counted: eb("partitions.counted", "+", eb.ref("excluded.counted")),
      passed: eb("partitions.passed", "+", eb.ref("excluded.passed")),
    })),
  ),
);

const addBatch = new BulkInsert("batches", [...countColumns, "decided_at"]);

const selectPositions = new Statement(({ tx }) =>
  tx.selectFrom("partitions").select(["topic", "partition", "to_offset"]),
);

/**
 * What one transaction does to the positions and counts of the partitions it touches: every offset
 * is counted once, in one outcome, whichever router comes first and however often it is delivered.
 */
export class PartitionCounts {
  readonly #partitions = new Map<string, Partition>();
  readonly #stored: Map<string, number>;

  private constructor(stored: Map<string, number>) {
    this.#stored = stored;
  }

  static async read(context: StoreContext, tx: Tx): Promise<PartitionCounts> {
    const rows = await selectPositions.rows(context, tx);
    return new PartitionCounts(new Map(rows.map((row) => [nameOf(row), row.to_offset])));
  }

  /** Whether an earlier transaction covered this offset. */
  isCovered(place: RoutedPosition): boolean {
    return place.offset < (this.#stored.get(nameOf(place)) ?? 0);
  }

  /** Counts an offset that is not covered, and moves the position past it. */
  count(place: RoutedPosition & Passed, outcome: OffsetOutcome): void {
    const partition = this.#pass(place);
    partition.counts[outcome] += 1;
    partition.to = Math.max(partition.to, place.offset + 1);
  }

  /** Moves the position over offsets that hold nothing, unless an earlier transaction did. */
  pass(position: RoutedPosition & Passed): void {
    if (position.offset <= (this.#stored.get(nameOf(position)) ?? 0)) return;
    const partition = this.#pass(position);
    partition.to = Math.max(partition.to, position.offset);
  }

  /** Moves the position, never backwards. */
  reach(position: RoutedPosition): void {
    if (position.offset <= (this.#stored.get(nameOf(position)) ?? 0)) return;
    const partition = this.#touch(position);
    partition.to = Math.max(partition.to, position.offset);
  }

  async write(tx: Tx, now: number): Promise<void> {
    const rows = [...this.#partitions.values()].map(({ topic, partition, from, to, counts }) => ({
      topic,
      partition,
      from_offset: from,
      to_offset: to,
      ...counts,
    }));
    await addTotals.run(tx, rows);
    await addBatch.run(
      tx,
      rows.map((row) => ({ ...row, decided_at: now })),
    );
  }

  /** Counts what lies empty right before a place and is not covered. */
  #pass(place: RoutedPosition & Passed): Partition {
    const stored = this.#stored.get(nameOf(place)) ?? 0;
    const passed = Math.max(0, Math.min(place.passed ?? 0, place.offset - stored));
    const partition = this.#touch(place);
    partition.counts.passed += passed;
    partition.from = Math.min(partition.from, place.offset - passed);
    return partition;
  }

  #touch(place: RoutedPosition): Partition {
    const name = nameOf(place);
    let partition = this.#partitions.get(name);
    if (partition === undefined) {
      // A partition's first record may have any offset: what retention took before is not ours to count.
      const from = this.#stored.get(name) ?? place.offset;
      const counts = { matched: 0, unmatched: 0, duplicate: 0, rejected: 0, counted: 0, passed: 0 };
      partition = { topic: place.topic, partition: place.partition, from, to: from, counts };
      this.#partitions.set(name, partition);
    }
    return partition;
  }
}

function nameOf(place: { topic: string; partition: number }): string {
  return `${place.partition} ${place.topic}`;
}
