import { expect, test } from "vitest";
import { InOrder } from "../../../src/foundation/in-order.ts";

test("work is let through in the order in which it was asked for, also behind some that failed", async () => {
  const order = new InOrder();
  const first = Promise.withResolvers<string>();
  const done: string[] = [];
  const note = (text: string) => () => done.push(text);
  const all = [
    order.run(() => first.promise).then(note("first"), note("first failed")),
    order.run(async () => "second").then(note("second")),
    order.run(async () => "third").then(note("third")),
  ];
  await new Promise(setImmediate);
  expect(done).toEqual([]);
  first.reject(new Error("wrong"));
  await Promise.all(all);
  expect(done).toEqual(["first failed", "second", "third"]);
});
