import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { StartedAhead } from "../../../src/executor/ahead/started-ahead.ts";
import type { Admitted, SlotChannel } from "../../../src/executor/channel/slot-channel.ts";
import { FrameReader } from "../../../src/executor/frame.ts";
import type { LaunchListener } from "../../../src/executor/launcher/launcher.ts";
import type { ProcessRequest } from "../../../src/executor/step-runner.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { tempDir } from "../../support/temp-dir.ts";

/** Processes that dial `startMs` after they were launched, and say which script they were started for. */
function pool({ places = 1, startMs = 10 }: { places?: number; startMs?: number } = {}) {
  const clock = new ManualClock();
  const directory = tempDir();
  const live = new Map<string, LaunchListener>();
  const started: string[] = [];
  let isCalm = true;
  const partsOf = (request: ProcessRequest) => ({
    clock,
    resolve: async () => undefined,
    channel: async () => channel(clock, startMs),
    scratch: async () => directory,
    clearScratch: async () => {},
    emptyScratch: async () => {},
    learn() {},
    prepare: async () => (_ttlMs: number, listener: LaunchListener) => {
      started.push(request.script);
      live.set(request.script, listener);
      const end = () => {
        if (live.delete(request.script)) listener.ended({ kind: "exited", code: 0, truncated: false });
      };
      return { keepAlive() {}, drain: async () => {}, stop: end };
    },
  });
  const ahead = new StartedAhead({
    clock,
    places: Array.from({ length: places }, (_, index) => index),
    partsOf,
    canWait: () => true,
    isCalm: () => isCalm,
  });
  const requestOf = (script: string, more: Partial<ProcessRequest> = {}) =>
    ({
      directory,
      script,
      limits: noLimits,
      isolation: { level: "process", network: false },
      context: { service: { project: "p", name: "s", version: "v" } },
      ...more,
    }) as ProcessRequest;
  /** A run of the script has ended, and what follows from it is done. */
  const ran = async (script: string, more?: Partial<ProcessRequest>) => {
    ahead.want(requestOf(script, more));
    for (let n = 0; n < 5; n += 1) await turn();
    clock.advance(startMs);
    await turn();
  };
  return {
    clock,
    ahead,
    requestOf,
    ran,
    started,
    waiting: () => [...live.keys()],
    end: (script: string) => {
      const listener = live.get(script);
      live.delete(script);
      listener?.ended({ kind: "exited", code: 0, truncated: false });
    },
    calm: (value: boolean) => {
      isCalm = value;
    },
  };
}

function channel(clock: ManualClock, startMs: number): SlotChannel {
  const socket = Object.assign(new EventEmitter(), { destroyed: false, destroy() {} }) as unknown as Socket;
  const expect = (admitted: Admitted) => {
    clock.setTimer(startMs, () => admitted(socket, new FrameReader(1), { nonce: "n" }));
    return { nonce: "n", forget() {} };
  };
  return { path: "/s", expect } as unknown as SlotChannel;
}

describe("a process for the next run of a script", () => {
  test("is started when nothing is slowed down by it, and else later", async () => {
    const { ran, calm, waiting } = pool({ places: 2 });
    calm(false);
    await ran("a");
    expect(waiting()).toEqual([]);
    calm(true);
    await ran("b");
    expect(waiting()).toEqual(["a", "b"]);
  });

  test("takes another's place only where it is worth twice as much: by its start, and by how often it runs", async () => {
    const { clock, ran, started, waiting } = pool();
    for (let second = 1; second <= 30; second += 1) {
      clock.advance(1000);
      await ran("often");
      // Tried once, since nobody knows what its start takes.
      if (second % 5 === 0) await ran("seldom");
    }
    clock.advance(1000);
    await ran("often");
    expect(waiting()).toEqual(["often"]);
    expect(started.filter((script) => script === "seldom")).toHaveLength(1);
    for (let n = 0; n < 12; n += 1) {
      clock.advance(100);
      await ran("seldom");
    }
    expect(waiting()).toEqual(["seldom"]);
  });

  test("is not given the place of one that ran once by another that ran once", async () => {
    const { clock, ran, started } = pool();
    await ran("a");
    clock.advance(1000);
    await ran("b");
    expect(started).toEqual(["a"]);
  });

  test("ends after five minutes; and is not started at all for what runs less often than that", async () => {
    const { clock, ran, started, waiting } = pool();
    await ran("a");
    clock.advance(5 * 60_000);
    await turn();
    expect(waiting()).toEqual([]);
    clock.advance(2 * 60_000);
    await ran("a");
    expect(started).toEqual(["a"]);
  });

  test("is not started again for a minute where it ended by itself", async () => {
    const { clock, ran, end, started } = pool();
    await ran("a");
    end("a");
    await turn();
    await ran("a");
    expect(started).toEqual(["a"]);
    clock.advance(60_000);
    await ran("a");
    expect(started).toEqual(["a", "a"]);
  });

  test("S2: is for a run of the same script, service, version, interpreter, packages, limits and level", async () => {
    const { ahead, ran, requestOf } = pool();
    await ran("a");
    const others: Partial<ProcessRequest>[] = [
      { script: "b" },
      { context: { service: { project: "p", name: "t", version: "v" } } },
      { context: { service: { project: "q", name: "s", version: "v" } } },
      { directory: "/other" },
      { runtime: "node" },
      { environment: { key: "k" } as ProcessRequest["environment"] },
      { limits: { ...noLimits, openFiles: 100 } },
      { isolation: { level: "sandbox", network: false } },
      { isolation: { level: "process", network: true } },
      { preload: ["x"] },
    ];
    for (const other of others) expect(ahead.take(requestOf("a", other))).toBe(undefined);
    expect(ahead.take(requestOf("a"))).not.toBe(undefined);
    expect(ahead.take(requestOf("a"))).toBe(undefined);
  });

  test("is none once the runner closes", async () => {
    const { ahead, ran, started, waiting } = pool();
    await ran("a");
    ahead.stop();
    await ran("b");
    await ahead.close();
    expect([started, waiting()]).toEqual([["a"], []]);
  });
});
