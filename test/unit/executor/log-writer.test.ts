import { expect, test } from "vitest";
import type { Bus, NewRecord } from "../../../src/bus/bus.ts";
import { decodeLogRecord } from "../../../src/executions/log-codec.ts";
import type { LogRecord } from "../../../src/executions/log-record.ts";
import { Gathering } from "../../../src/executor/gathering.ts";
import { LogWriter } from "../../../src/executor/log-writer.ts";
import type { Insist } from "../../../src/executor/patience.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { eventually } from "../../support/eventually.ts";

/** A backbone that is away until it is mended, and stores what it is given all the same: nobody knows what it took. */
class DoubtfulBus {
  readonly stored: LogRecord[] = [];
  isAway = true;
  refusals = 0;

  readonly publish = async (records: readonly NewRecord[]) => {
    this.stored.push(...records.map((record) => decodeLogRecord(record.value) as LogRecord));
    if (!this.isAway) return [];
    this.refusals += 1;
    throw new PlatformError("unavailable", "away");
  };
}

const insist: Insist = async (work) => {
  for (;;) {
    try {
      return await work();
    } catch {
      await new Promise(setImmediate);
    }
  }
};

const facts = { executionId: "e", project: "p", service: "s", correlationId: "c", attempt: 1 } as never;
const outputs = new Gathering({ clock: systemClock, isWorthwhile: () => false, ms: 0, enough: 1 });
const writerTo = (bus: DoubtfulBus) => new LogWriter({ bus: bus as unknown as Bus, insist, outputs }, facts);
const piece = (text: string) =>
  ({ step: 1, script: "main.py", stream: "stdout", level: undefined, at: 1, bytes: Buffer.from(text) }) as const;

test("D7, D9: output that the backbone may have taken is sent again under its numbers, in order, before what came later", async () => {
  const bus = new DoubtfulBus();
  const writer = writerTo(bus);
  void writer.write(piece("one "));
  await eventually(() => bus.refusals > 2);
  void writer.write(piece("two "));
  void writer.write(piece("three"));
  bus.isAway = false;
  await writer.flush();
  const byNumber = new Map(bus.stored.map(({ seq, bytes }) => [seq, Buffer.from(bytes).toString()]));
  expect([...byNumber]).toEqual([
    [1, "one "],
    [2, "two three"],
  ]);
  expect(bus.stored.map(({ seq }) => seq)).toEqual(bus.stored.map(({ seq }) => seq).toSorted());
});

test("a script that writes while the backbone is away waits when so much waits already, and no longer than the backbone is away", async () => {
  const bus = new DoubtfulBus();
  const writer = writerTo(bus);
  const chunk = "x".repeat(64 * 1024);
  let written = 0;
  const writing = (async () => {
    for (let n = 0; n < 100; n += 1) {
      await writer.write(piece(chunk));
      written += 1;
    }
  })();
  await eventually(() => bus.refusals > 20);
  expect(written).toBeLessThan(20);
  bus.isAway = false;
  await writing;
  await writer.flush();
  expect(written).toBe(100);
});

test("a script that logs nothing, again and again, while the backbone is away has to wait, too", async () => {
  const bus = new DoubtfulBus();
  const writer = writerTo(bus);
  let written = 0;
  const writing = (async () => {
    for (let n = 0; n < 10_000; n += 1) {
      await writer.write({ ...piece(""), stream: "log", level: "info" });
      written += 1;
    }
  })();
  await eventually(() => bus.refusals > 20);
  expect(written).toBeLessThan(5000);
  bus.isAway = false;
  await writing;
  await writer.flush();
  expect(written).toBe(10_000);
});
