import type { Clock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { CountRequest, EventHit, Found, LineCounts, LogLine, Search, SearchRequest } from "../ops-data.ts";
import { idRange, type Slice } from "./slices.ts";
import { timeOf } from "./time-ids.ts";
import type { WorkerThread } from "./worker-thread.ts";

/**
 * Searches slice by slice. The thread that reads answers one slice after the other in the order they
 * were asked for, so that searches at the same time take turns; between two slices a search can end.
 */
export class SlicedSearch implements Search {
  readonly #thread: WorkerThread;
  readonly #clock: Clock;

  constructor(thread: WorkerThread, clock: Clock) {
    this.#thread = thread;
    this.#clock = clock;
  }

  lines(request: SearchRequest): Promise<Found<LogLine>> {
    return this.#page(request, (slice) => this.#thread.call("lineSlice", slice));
  }

  events(request: SearchRequest): Promise<Found<EventHit>> {
    return this.#page(request, (slice) => this.#thread.call("eventSlice", slice));
  }

  async countLines(request: CountRequest): Promise<LineCounts> {
    const { query, bucketMs } = request;
    const merged = new Map<string, LineCounts["counts"][number]>();
    const { items, ...rest } = await this.#walk(request, idRange(request.from, request.to), (fromId, toId) =>
      this.#thread.call("countSlice", { query, fromId, toId, bucketMs }),
    );
    for (const { count, ...keys } of items) {
      const name = JSON.stringify(keys);
      merged.set(name, { ...keys, count: count + (merged.get(name)?.count ?? 0) });
    }
    return { counts: [...merged.values()], ...rest };
  }

  async #page<Item>(
    request: SearchRequest,
    slice: (request: {
      query: SearchRequest["query"];
      fromId: number;
      toId: number;
      limit: number;
    }) => Promise<Slice<Item>>,
  ): Promise<Found<Item>> {
    const { query, limit, after } = request;
    const range = idRange(request.from, request.to);
    if (after !== undefined) range.toId = Math.min(range.toId, idOf(after));
    return this.#walk(
      request,
      range,
      (fromId, toId, found) => slice({ query, fromId, toId, limit: limit - found }),
      limit,
    );
  }

  async #walk<Item>(
    { timeLimitMs, signal }: Pick<SearchRequest, "timeLimitMs" | "signal">,
    { fromId, toId }: { fromId: number; toId: number },
    next: (fromId: number, toId: number, found: number) => Promise<Slice<Item>>,
    limit = Number.POSITIVE_INFINITY,
  ): Promise<Found<Item>> {
    const deadline = this.#clock.monotonic() + timeLimitMs;
    const items: Item[] = [];
    let end = toId;
    for (;;) {
      const slice = await next(fromId, end, items.length);
      for (const item of slice.items) items.push(item);
      end = slice.searchedTo;
      if (slice.done) return { items, complete: true, searchedTo: timeOf(fromId) };
      if (items.length >= limit) return { items, complete: true, searchedTo: timeOf(end) };
      if (this.#clock.monotonic() >= deadline || signal?.aborted) {
        return { items, complete: false, searchedTo: timeOf(end) };
      }
    }
  }
}

function idOf(after: string): number {
  const id = Number(after);
  if (/^-?\d{1,16}$/.test(after) && Number.isSafeInteger(id)) return id;
  throw new PlatformError("invalid-input", `"after" must be the "next" of a page of the same search; found "${after}"`);
}
