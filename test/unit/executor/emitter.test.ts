import { afterEach, describe, expect, test } from "vitest";
import type { Bus } from "../../../src/bus/bus.ts";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import { decodeRecord } from "../../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../../src/events/cloud-event.ts";
import { topics } from "../../../src/events/topics.ts";
import type { ExecutionFacts } from "../../../src/executions/execution.ts";
import { Emitter } from "../../../src/executor/emitter.ts";
import type { Insist } from "../../../src/executor/patience.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { ManualClock } from "../../support/manual-clock.ts";

const clock = new ManualClock();
const execution = {
  id: "execution-1",
  project: "default",
  service: "sender",
  correlationId: "flow-1",
  eventId: "trigger-1",
  sequence: 4,
} as ExecutionFacts;
const trigger: CloudEvent = { specversion: "1.0", id: "trigger-1", source: "/test", type: "test.asked" };

const open: Bus[] = [];
afterEach(async () => {
  for (const bus of open.splice(0)) await bus.close();
});

function openBus(): Bus {
  const bus = openSqliteBus({ clock, log: silentLog, partitions: 1 });
  open.push(bus);
  return bus;
}

/** One attempt's emitter: each attempt has its own. */
const attempt = (bus: Bus) => new Emitter({ bus, clock, insist: (work) => work() }, execution, trigger);

async function sent(bus: Bus): Promise<CloudEvent[]> {
  return (await bus.peek(topics.events, 0, 0, 100)).map((record) => {
    const decoded = decodeRecord(record);
    if (!decoded.ok) throw new Error(decoded.reason);
    return decoded.event;
  });
}

describe("emitter", () => {
  test("D10: an attempt that is repeated gives the same events the same ids, and another event another", async () => {
    const bus = openBus();
    const request = { type: "test.said", data: { n: 1 } };
    const first = await attempt(bus).emit(1, request);
    const again = attempt(bus);
    expect(await again.emit(1, request)).toEqual(first);
    expect(await again.emit(1, { ...request, data: { n: 2 } })).not.toEqual(first);
    expect(await attempt(bus).emit(2, request)).not.toEqual(first);
  });

  test("D10: the same event sent twice by one attempt is two events, in the next attempt the same two", async () => {
    const bus = openBus();
    const request = { type: "test.said" };
    const first = attempt(bus);
    const ids = [await first.emit(1, request), await first.emit(1, request)];
    expect(ids[0]).not.toEqual(ids[1]);
    const second = attempt(bus);
    expect([await second.emit(1, request), await second.emit(1, request)]).toEqual(ids);
  });

  test("D10: a script may give its own id", async () => {
    expect(await attempt(openBus()).emit(1, { type: "test.said", id: "mine" })).toEqual({ id: "mine" });
  });

  test("D10: an own id names one event of an attempt: the same again is the same, what says something else is refused", async () => {
    const bus = openBus();
    const one = attempt(bus);
    const request = { type: "customer.opened", id: "k-9", data: { a: 1 } };
    await one.emit(1, request);
    expect(await one.emit(2, request)).toEqual({ id: "k-9" });
    await expect(one.emit(1, { ...request, data: { a: 2 } })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(
        'the id "k-9" names another event of this run: "customer.opened" was sent with other content',
      ),
    });
    await expect(one.emit(1, { ...request, type: "customer.closed" })).rejects.toMatchObject({
      message: expect.stringMatching(/"customer.opened" was sent under it; an id names one event/),
    });
    await one.emit(1, { ...request, source: "/branch", data: { a: 3 } });
    expect((await sent(bus)).map(({ source, data }) => [source, data])).toEqual([
      ["/projects/default/services/sender", { a: 1 }],
      ["/projects/default/services/sender", { a: 1 }],
      ["/branch", { a: 3 }],
    ]);
  });

  test("D10: what was refused has not used its id, and a retried attempt may say something else under it", async () => {
    const bus = openBus();
    let refusal: PlatformError | undefined = new PlatformError("limit-exceeded", "too large");
    const insist: Insist = (work) => (refusal === undefined ? work() : Promise.reject(refusal));
    const one = new Emitter({ bus, clock, insist }, execution, trigger);
    await expect(one.emit(1, { type: "test.said", id: "mine", data: "large" })).rejects.toThrow("too large");
    refusal = undefined;
    await one.emit(1, { type: "test.said", id: "mine", data: "small" });
    await attempt(bus).emit(1, { type: "test.said", id: "mine", data: "other" });
    expect((await sent(bus)).map(({ data }) => data)).toEqual(["small", "other"]);
  });

  test("an emitted event carries the flow, its cause, the step within the flow and who sent it", async () => {
    const bus = openBus();
    await attempt(bus).emit(1, { type: "test.said", subject: "s", data: [1] });
    expect(await sent(bus)).toMatchObject([
      {
        source: "/projects/default/services/sender",
        type: "test.said",
        subject: "s",
        data: [1],
        correlationid: "flow-1",
        causationid: "trigger-1",
        sequence: "5",
        fxproject: "default",
        fxexecution: "execution-1",
      },
    ]);
  });

  test("D3: a reserved type is refused, and nothing is sent", async () => {
    const bus = openBus();
    for (const type of ["fx.execution.completed", "FX.execution.completed", "Fx.mine", "FX"]) {
      await expect(attempt(bus).emit(1, { type })).rejects.toMatchObject({ code: "forbidden" });
    }
    expect(await bus.offsets(topics.events)).toEqual([]);
  });

  test("D3: a source of the platform's own is refused, the service's own is not", async () => {
    const bus = openBus();
    for (const source of [
      "/projects/default/services/other",
      "/projects/default/services/sender/schedule",
      "/mappings/m",
    ]) {
      await expect(attempt(bus).emit(1, { type: "test.said", source })).rejects.toMatchObject({ code: "forbidden" });
    }
    expect(await bus.offsets(topics.events)).toEqual([]);
    await attempt(bus).emit(1, { type: "test.said", source: "/projects/default/services/sender" });
    await attempt(bus).emit(1, { type: "test.said", source: "/projections" });
    expect((await sent(bus)).map(({ source }) => source)).toEqual([
      "/projects/default/services/sender",
      "/projections",
    ]);
  });

  test("events keep their order where the first has to be sent again", async () => {
    const bus = openBus();
    let isAway = true;
    const publish: Bus["publish"] = async (records) => {
      if (isAway) throw new PlatformError("unavailable", "away");
      return bus.publish(records);
    };
    const insist: Insist = async (work) => {
      try {
        return await work();
      } catch {
        await new Promise(setImmediate);
        isAway = false;
        return work();
      }
    };
    const emitter = new Emitter({ bus: { publish } as Bus, clock, insist }, execution, trigger);
    await Promise.all([1, 2, 3].map((n) => emitter.emit(1, { type: "test.said", data: n })));
    expect((await sent(bus)).map(({ data }) => data)).toEqual([1, 2, 3]);
  });

  test("D9: what refuses one event does not refuse those that were sent with it", async () => {
    const bus = openBus();
    const publish: Bus["publish"] = async (records) => {
      if (records.some(({ value }) => value.length > 1000)) throw new PlatformError("limit-exceeded", "too large");
      return bus.publish(records);
    };
    const emitter = new Emitter({ bus: { publish } as Bus, clock, insist: (work) => work() }, execution, trigger);
    const data = ["one", "x".repeat(2000), "three"];
    const answers = await Promise.allSettled(data.map((each) => emitter.emit(1, { type: "test.said", data: each })));
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect((await sent(bus)).map((event) => event.data)).toEqual(["one", "three"]);
  });

  test("an event too large is refused with its size and the limit", async () => {
    const bus = openBus();
    const request = { type: "test.said", data: "x".repeat(4 * 1024 * 1024) };
    await expect(attempt(bus).emit(1, request)).rejects.toMatchObject({ code: "limit-exceeded" });
    expect(await bus.offsets(topics.events)).toEqual([]);
  });
});
