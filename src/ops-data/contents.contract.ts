import { expect, test } from "vitest";
import { parseQuery } from "../search/parse-query.ts";
import { eventFields, logFields } from "../search/query-fields.ts";
import type { OpsDataContract } from "./ops-data.contract.ts";
import type { ContentsPage, LogRecord, OpsData, StoredEvent } from "./ops-data.ts";

const begin = Date.UTC(2026, 0, 5);
const executionId = (n: number) => `019bb6e9-${String(n).padStart(4, "0")}-7000-8000-000000000000`;

/** What every driver promises of carrying all that it keeps to another store. Calls `test`; call it inside a `describe`. */
export function contentsContract({ open }: OpsDataContract): void {
  const record = (n: number, seq: number, text: string): LogRecord => ({
    ...{ executionId: executionId(n), project: "shop", service: "orders", correlationId: `flow-${n}` },
    ...{ attempt: 1, step: 0, script: "main.py", seq, at: begin + seq, stream: "stdout", level: undefined },
    bytes: Buffer.from(text),
  });
  const lifecycle = (n: number, status: string, at: number, changes: object = {}): StoredEvent => {
    const facts = { executionId: executionId(n), project: "shop", service: "orders", version: "v-1", attempt: 1 };
    const type = `fx.execution.${status === "in_progress" ? "started" : status}`;
    const place = { source: "/projects/shop/services/orders", subject: executionId(n), fxexecution: executionId(n) };
    const flow = { correlationid: `flow-${n}`, fxproject: "shop" };
    const data = { ...facts, trigger: "manual", status, createdAt: begin, startedAt: begin + 20, ...changes };
    const event = { specversion: "1.0" as const, id: `${n}-${status}`, type, ...place, ...flow, data };
    return { key: `key-${n}-${status}`, at, event: { ...event, time: new Date(at).toISOString() } };
  };
  /** All pages of a list. */
  const all = async <Item>(list: (page: ContentsPage) => Promise<Item[]>, placeOf: (item: Item) => string) => {
    const items: Item[] = [];
    for (let after: string | undefined; ; after = placeOf(items.at(-1) as Item)) {
      const page = await list({ after, limit: 2 });
      items.push(...page);
      if (page.length < 2) return items;
    }
  };
  const everything = async ({ contents }: OpsData) => ({
    writers: await all(
      (page) => contents.writers(page),
      (writer) => writer.executionId,
    ),
    events: await all(
      (page) => contents.events(page),
      ({ key }) => key,
    ),
    ends: await all(
      (page) => contents.ends(page),
      (end) => end.executionId,
    ),
  });
  const always = { from: Number.NEGATIVE_INFINITY, to: Number.POSITIVE_INFINITY, timeLimitMs: 60_000, limit: 100 };

  const fill = async (opsData: OpsData) => {
    await opsData.append([record(1, 1, "first\nsecond "), record(1, 2, "half\n"), record(2, 1, "other\n")]);
    await opsData.append([record(3, 1, "unended")]);
    const placed = { specversion: "1.0" as const, id: "a", source: "/shop", type: "order.placed", subject: "no 7" };
    await opsData.history.record([
      { key: "a", at: begin, event: { ...placed, data: { fruit: "apples" } } },
      ...[1, 2, 3].map((n) => lifecycle(n, "in_progress", begin + 20)),
      lifecycle(1, "completed", begin + 30),
      lifecycle(2, "failed", begin + 90, { error: { kind: "exit", message: "x".repeat(2000) } }),
    ]);
  };

  test("everything that is kept is told page by page, in the order of ids and keys", async () => {
    const { opsData } = await open();
    expect(await everything(opsData)).toEqual({ writers: [], events: [], ends: [] });
    await fill(opsData);
    const { writers, events, ends } = await everything(opsData);
    expect(writers).toEqual([1, 2, 3].map((n) => ({ executionId: executionId(n), correlationId: `flow-${n}` })));
    expect(events.map(({ key }) => key)).toEqual([
      "a",
      "key-1-completed",
      "key-1-in_progress",
      "key-2-failed",
      "key-2-in_progress",
      "key-3-in_progress",
    ]);
    expect(events[0]).toEqual({
      key: "a",
      at: begin,
      event: {
        ...{ specversion: "1.0", id: "a", source: "/shop", type: "order.placed", subject: "no 7" },
        data: '{"fruit":"apples"}',
      },
    });
    expect(events[1]?.event).toMatchObject({ fxexecution: executionId(1), correlationid: "flow-1", fxproject: "shop" });
    const facts = { project: "shop", service: "orders", version: "v-1", trigger: "manual", attempt: 1 };
    const times = { createdAt: begin, startedAt: begin + 20 };
    expect(ends).toEqual([
      {
        ...facts,
        ...times,
        executionId: executionId(1),
        status: "completed",
        correlationId: "flow-1",
        finishedAt: begin + 30,
      },
      {
        ...facts,
        ...times,
        executionId: executionId(2),
        status: "failed",
        correlationId: "flow-2",
        finishedAt: begin + 90,
      },
    ]);
  });

  test("a store that is given all of another finds the same and counts the same, once however often it is given", async () => {
    const { opsData: source } = await open();
    await fill(source);
    const { opsData: target, reopen } = await open();
    const { writers, events, ends } = await everything(source);
    for (let time = 0; time < 2; time += 1) {
      for (const { executionId, correlationId } of writers) {
        const records = await source.logs({ executionId, limit: 100 });
        await target.append(records.map((own) => ({ ...own, correlationId })));
      }
      await target.history.record(events);
      await target.contents.takeEnds(ends);
    }
    const carried = await reopen();
    expect(await everything(carried)).toEqual({ writers, events, ends });
    for (const q of ["", "half", "flow:flow-1", `execution:${executionId(2)}`, "unended"]) {
      const found = async (opsData: OpsData) =>
        (await opsData.search.lines({ ...always, query: parseQuery(q, logFields) })).items.map(
          ({ id: _, ...line }) => line,
        );
      expect(await found(carried), q).toEqual(await found(source));
    }
    for (const q of ["apples", "type:fx.execution.failed", `execution:${executionId(3)}`, "flow:flow-2"]) {
      const found = async (opsData: OpsData) =>
        (await opsData.search.events({ ...always, query: parseQuery(q, eventFields) })).items.map(({ key }) => key);
      expect(await found(carried), q).toEqual(await found(source));
    }
    const span = { from: begin, to: begin + 60_000 };
    for (const by of [[], ["status"], ["service", "trigger"]] as const) {
      const stats = (opsData: OpsData) => opsData.history.executionStats({ ...span, by });
      expect(await stats(carried)).toEqual(await stats(source));
    }
    expect(await carried.history.slowest({ ...span, limit: 5 })).toEqual(
      await source.history.slowest({ ...span, limit: 5 }),
    );
    await carried.append([record(3, 2, " line\n")]);
    const { items } = await carried.search.lines({ ...always, query: parseQuery("unended", logFields) });
    expect(items.map(({ text }) => text)).toEqual(["unended line"]);
  });
}
