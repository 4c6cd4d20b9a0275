import { expect, test } from "vitest";
import { PlatformError } from "../../../src/foundation/errors.ts";
import type { Log } from "../../../src/foundation/log.ts";
import { Persistence } from "../../../src/foundation/persistence.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function scene() {
  const clock = new ManualClock();
  const stopping = new AbortController();
  const told: string[] = [];
  const tell = (_: object, text: string) => void told.push(text);
  const log = { debug: tell, info: tell, warn: tell, error: tell } as unknown as Log;
  return { clock, stopping, told, persistence: new Persistence({ clock, log, stopping: stopping.signal }) };
}

const away = () => new PlatformError("unavailable", "away");

test("what fails for a while is done in the end, told once at its begin and at its end, and is trouble after five seconds", async () => {
  const { clock, told, persistence } = scene();
  let isAway = true;
  const done = persistence.run("store it", async () => {
    if (isAway) throw away();
    return "stored";
  });
  let answer: unknown;
  void done.then((result) => {
    answer = result;
  });
  await new Promise(setImmediate);
  expect(persistence.trouble).toBeUndefined();
  for (let ms = 0; ms < 5000; ms += 10) {
    clock.advance(10);
    await new Promise(setImmediate);
  }
  expect(persistence.trouble).toBe("could not store it: away");
  isAway = false;
  while (answer === undefined) {
    clock.advance(1000);
    await new Promise(setImmediate);
  }
  expect(answer).toEqual({ result: "stored" });
  expect(persistence.trouble).toBeUndefined();
  expect(told).toEqual(["could not store it, will try again", "could store it again"]);
});

test("what does not pass is thrown at once, and who is stopped tries no more", async () => {
  const { stopping, persistence } = scene();
  const refused = () => Promise.reject(new PlatformError("invalid-input", "wrong"));
  await expect(persistence.run("store it", refused)).rejects.toThrow("wrong");
  const waiting = persistence.run("store it", () => Promise.reject(away()));
  stopping.abort();
  expect(await waiting).toBeUndefined();
});

test("what may wait for long is no trouble: that it works again would not be known", async () => {
  const { clock, persistence } = scene();
  let isAway = true;
  const never = new Promise<string>(() => {});
  const work = () => (isAway ? Promise.reject(away()) : never);
  void persistence.run("read the bus", work, { waits: true });
  await new Promise(setImmediate);
  for (let ms = 0; ms < 6000; ms += 10) {
    clock.advance(10);
    await new Promise(setImmediate);
  }
  expect(persistence.trouble).toBeUndefined();
  isAway = false;
});
