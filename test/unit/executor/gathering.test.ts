import { expect, test } from "vitest";
import { Gathering } from "../../../src/executor/gathering.ts";
import { ManualClock } from "../../support/manual-clock.ts";

function gather({ isWorthwhile = (): boolean => true, enough = 3 } = {}) {
  const clock = new ManualClock();
  const gathering = new Gathering({ clock, isWorthwhile, ms: 10, enough });
  const gone: string[] = [];
  const join = (name: string, how = {}) => void gathering.join(how).then(() => gone.push(name));
  /** Who has gone once all that is due has happened. */
  const goneBy = async (ms: number) => {
    clock.advance(ms);
    await new Promise(setImmediate);
    return gone.splice(0);
  };
  return { join, goneBy };
}

test("what comes within its time goes with the first that came", async () => {
  const { join, goneBy } = gather();
  join("first");
  expect(await goneBy(9)).toEqual([]);
  join("second");
  expect(await goneBy(1)).toEqual(["first", "second"]);
});

test("who comes after others have gone has a time of its own", async () => {
  const { join, goneBy } = gather();
  join("first");
  expect(await goneBy(10)).toEqual(["first"]);
  join("second");
  expect(await goneBy(9)).toEqual([]);
  expect(await goneBy(1)).toEqual(["second"]);
});

test("enough of them go at once, and leave nothing behind that would hurry the next", async () => {
  const { join, goneBy } = gather({ enough: 2 });
  join("first");
  expect(await goneBy(5)).toEqual([]);
  join("second");
  expect(await goneBy(0)).toEqual(["first", "second"]);
  join("third");
  expect(await goneBy(9)).toEqual([]);
  expect(await goneBy(1)).toEqual(["third"]);
});

test("where it is not worthwhile nobody waits, and who does goes along", async () => {
  let isWorthwhile = true;
  const { join, goneBy } = gather({ isWorthwhile: () => isWorthwhile });
  join("first");
  expect(await goneBy(1)).toEqual([]);
  isWorthwhile = false;
  join("second");
  expect(await goneBy(0)).toEqual(["first", "second"]);
});

test("who hurries goes at once, with those who wait", async () => {
  const { join, goneBy } = gather();
  join("first");
  expect(await goneBy(1)).toEqual([]);
  join("second", { hurries: true });
  expect(await goneBy(0)).toEqual(["first", "second"]);
});
