import { connect } from "node:net";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { SlotChannel } from "../../../src/executor/channel/slot-channel.ts";
import { encodeFrame, FrameReader } from "../../../src/executor/frame.ts";
import type { StepContext, StepHost } from "../../../src/executor/step-runner.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { eventually } from "../../support/eventually.ts";
import { tempDir } from "../../support/temp-dir.ts";

const asks = 2_000;
const state = { text: "x".repeat(100_000) };

/** Resolves when nothing has been asked of the host for many turns of the event loop. */
async function quiet(served: () => number): Promise<void> {
  let before = -1;
  for (let turns = 0; turns < 500; turns += 1) {
    await turn();
    if (served() !== before) turns = 0;
    before = served();
  }
}

test("a script that asks and reads no answers is not listened to until it reads, and then has them all", async () => {
  const channel = await SlotChannel.listen(join(tempDir(), "s"), {
    clock: systemClock,
    random: systemRandom,
  });
  onTestFinished(() => channel.close());
  let served = 0;
  const host = {
    getState: async () => {
      served += 1;
      return state;
    },
  } as unknown as StepHost;
  const opened = channel.open({ context: {} as StepContext, directory: "/", argument: "{}" }, host);
  const socket = connect(channel.path);
  onTestFinished(() => void socket.destroy());
  socket.pause();
  const say = (words: object) => socket.write(encodeFrame(Buffer.from(JSON.stringify(words))));
  say({ nonce: opened.nonce });
  // Only once it is welcomed may it speak.
  const frames = new FrameReader(1024 * 1024);
  let answers = -1;
  await new Promise<void>((welcomed) => {
    socket.on("data", (chunk: Buffer) => {
      const before = answers;
      for (const _ of frames.read(chunk)) answers += 1;
      if (before < 0) {
        socket.pause();
        welcomed();
      }
    });
    socket.resume();
  });
  for (let id = 1; id <= asks; id += 1) say({ id, op: "getState" });
  await eventually(() => served > 0);
  await quiet(() => served);
  expect(served).toBeLessThan(asks / 10);
  socket.resume();
  await eventually(() => answers === asks);
  expect(served).toBe(asks);
});

test("what a script asked for before its end is served, though it never read an answer", async () => {
  const channel = await SlotChannel.listen(join(tempDir(), "s"), {
    clock: systemClock,
    random: systemRandom,
  });
  onTestFinished(() => channel.close());
  let served = 0;
  const host = {
    getState: async () => {
      served += 1;
      return state;
    },
  } as unknown as StepHost;
  const opened = channel.open({ context: {} as StepContext, directory: "/", argument: "{}" }, host);
  const socket = connect(channel.path);
  socket.on("error", () => {});
  socket.write(encodeFrame(Buffer.from(JSON.stringify({ nonce: opened.nonce }))));
  await new Promise((welcomed) => socket.once("data", welcomed));
  socket.pause();
  for (let id = 1; id <= 100; id += 1) socket.write(encodeFrame(Buffer.from(JSON.stringify({ id, op: "getState" }))));
  await eventually(() => served > 0);
  const ended = opened.close();
  await ended;
  expect(served).toBe(100);
});

test("D9: what a script asked for before its end is served, though its executor stood still for longer than a held socket is waited for", async () => {
  const channel = await SlotChannel.listen(join(tempDir(), "s"), {
    clock: systemClock,
    random: systemRandom,
  });
  onTestFinished(() => channel.close());
  const logged: string[] = [];
  const host = { log: async ({ message }: { message: string }) => void logged.push(message) } as unknown as StepHost;
  const opened = channel.open({ context: {} as StepContext, directory: "/", argument: "{}" }, host);
  const socket = connect(channel.path);
  socket.on("error", () => {});
  socket.write(encodeFrame(Buffer.from(JSON.stringify({ nonce: opened.nonce }))));
  await new Promise((welcomed) => socket.once("data", welcomed));
  socket.end(encodeFrame(Buffer.from(JSON.stringify({ op: "log", level: "info", message: "last words" }))));
  const ended = opened.close();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
  await ended;
  expect(logged).toEqual(["last words"]);
});
