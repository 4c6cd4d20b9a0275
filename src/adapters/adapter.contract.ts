import { describe, expect, it } from "vitest";
import type { CloudEvent } from "../events/cloud-event.ts";
import type { Adapter } from "./adapter.ts";

/** A source with an adapter on it, for one test. */
export interface AdapterBench {
  adapter: Adapter;
  /** Makes the source say something, told apart from others by `text`. Resolves when the source has said it. */
  say(text: string): Promise<void>;
  /** Another adapter on the same source and the same marks, as after a restart, or on another machine. */
  again(): Adapter;
  /** The next publish on the bus fails before it stores anything, once. */
  failNextPublish(): void;
  /** The next publish stores its records, and the process dies before anyone learns of it: the adapter in use is stopped. */
  dieAfterNextPublish(): Promise<void>;
  /** Every event on the backbone so far, in order. */
  events(): Promise<CloudEvent[]>;
  /** Waits until `condition` holds of the events on the backbone. */
  until(condition: (events: readonly CloudEvent[]) => boolean): Promise<void>;
  textOf(event: CloudEvent): string;
  close(): Promise<void>;
}

/** What every adapter promises; each one's test calls this on a real source. */
export function adapterContract(name: string, open: () => Promise<AdapterBench>): void {
  describe(`the adapter contract, kept by ${name}`, () => {
    const withBench = (work: (bench: AdapterBench) => Promise<void>) => async () => {
      const bench = await open();
      try {
        await work(bench);
      } finally {
        await bench.adapter.stop();
        await bench.close();
      }
    };
    const keysOf = (events: readonly CloudEvent[]) =>
      new Set(events.map(({ source, id }) => JSON.stringify([source, id])));

    it(
      "makes an event of each message, before and after it was started",
      withBench(async (bench) => {
        await bench.say("one");
        await bench.adapter.start();
        await bench.say("two");
        await bench.until((events) => keysOf(events).size === 2);
        expect((await bench.events()).map(bench.textOf).sort()).toEqual(["one", "two"]);
      }),
    );

    it(
      "tries again when the backbone did not take an event",
      withBench(async (bench) => {
        bench.failNextPublish();
        await bench.adapter.start();
        await bench.say("one");
        await bench.until((events) => events.some((event) => bench.textOf(event) === "one"));
      }),
    );

    it(
      "makes no second event of a message that it took before a restart",
      withBench(async (bench) => {
        await bench.adapter.start();
        await bench.say("one");
        await bench.until((events) => events.length === 1);
        await bench.adapter.stop();
        const restarted = bench.again();
        await restarted.start();
        await bench.say("two");
        await bench.until((events) => events.some((event) => bench.textOf(event) === "two"));
        await restarted.stop();
        expect(keysOf(await bench.events()).size).toBe(2);
      }),
    );

    it(
      "makes the same event again, not another, when it died between publishing and remembering (rule D1)",
      withBench(async (bench) => {
        const died = bench.dieAfterNextPublish();
        await bench.adapter.start();
        await bench.say("one");
        await died;
        const restarted = bench.again();
        await restarted.start();
        await bench.until((events) => events.length === 2);
        await restarted.stop();
        expect(keysOf(await bench.events()).size).toBe(1);
      }),
    );

    it(
      "sends nothing after it was stopped",
      withBench(async (bench) => {
        await bench.adapter.start();
        await bench.say("one");
        await bench.until((events) => events.length === 1);
        await bench.adapter.stop();
        await bench.say("late");
        const observer = bench.again();
        await observer.start();
        await bench.until((events) => events.some((event) => bench.textOf(event) === "late"));
        await observer.stop();
        const late = (await bench.events()).filter((event) => bench.textOf(event) === "late");
        expect(late).toHaveLength(1);
      }),
    );

    it(
      "makes one event of one message, however many copies of it run",
      withBench(async (bench) => {
        const other = bench.again();
        await Promise.all([bench.adapter.start(), other.start()]);
        await bench.say("one");
        await bench.until((events) => events.length >= 1);
        await bench.say("two");
        await bench.until((events) => keysOf(events).size >= 2);
        await other.stop();
        expect(keysOf(await bench.events()).size).toBe(2);
      }),
    );
  });
}
