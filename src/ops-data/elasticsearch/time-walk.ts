import type { Clock } from "../../foundation/clock.ts";
import type { Found, SearchRequest } from "../ops-data.ts";
import type { Cluster } from "./cluster.ts";
import type { IndexKind } from "./indices.ts";

/** What was found in a slice of time; `cutAt`: the time of the last item, where there is no room for more. */
export type Slice<Item> = { items: Item[]; cutAt?: number } | "timed-out";

const dayMs = 86_400_000;
const leastMs = 60_000;
/** The next slice is so much longer than one that was quick, and so much shorter than one that was not. */
const growth = 4;
const shrinking = 24;
const leastTimeoutMs = 200;

/**
 * Goes back through time in slices, each one request: a server that runs out of time tells what it found in any order, so that
 * only whole slices count. A slice too large for the time is cut; one that cannot be cut any more takes what it takes.
 */
export class TimeWalk {
  readonly #cluster: Cluster;
  readonly #clock: Clock;

  constructor(cluster: Cluster, clock: Clock) {
    this.#cluster = cluster;
    this.#clock = clock;
  }

  async through<Item>(
    kind: IndexKind,
    { from, to, timeLimitMs, signal }: Pick<SearchRequest, "from" | "to" | "timeLimitMs" | "signal">,
    slice: (from: number, to: number, timeout: string) => Promise<Slice<Item>>,
  ): Promise<Found<Item>> {
    const deadline = this.#clock.monotonic() + timeLimitMs;
    const items: Item[] = [];
    const bounds = await this.#bounds(kind);
    const begin = Math.max(from, bounds.from);
    let end = Math.min(to, bounds.to);
    for (let widthMs = dayMs; end > begin; ) {
      const least = Math.max(begin, end - widthMs);
      const leftMs = Math.max(leastTimeoutMs, Math.ceil(deadline - this.#clock.monotonic()));
      const found = await slice(least, end, widthMs <= leastMs ? "-1" : `${leftMs}ms`);
      if (found === "timed-out") {
        widthMs = Math.max(leastMs, Math.min(widthMs, end - begin) / shrinking);
        continue;
      }
      items.push(...found.items);
      if (found.cutAt !== undefined) return { items, complete: true, searchedTo: found.cutAt };
      end = least;
      widthMs *= growth;
      const isOver = this.#clock.monotonic() >= deadline || signal?.aborted === true;
      if (isOver && end > begin) return { items, complete: false, searchedTo: end };
    }
    return { items, complete: true, searchedTo: from };
  }

  /** [from, to) of what there is; nothing is below and nothing above. */
  async #bounds(kind: IndexKind): Promise<{ from: number; to: number }> {
    const time = { field: "@timestamp" };
    const { aggregations } = await this.#cluster.search(kind, {
      size: 0,
      track_total_hits: false,
      aggs: { from: { min: time }, to: { max: time } },
    });
    const { from, to } = (aggregations ?? {}) as Record<"from" | "to", { value: number | null } | undefined>;
    return { from: from?.value ?? 0, to: (to?.value ?? -1) + 1 };
  }
}
