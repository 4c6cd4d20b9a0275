import { expect, test } from "vitest";
import type { ConsulEntry } from "../../../src/config-store/consul/consul-http.ts";
import { SeenVersions } from "../../../src/config-store/consul/seen-versions.ts";

const entry = (key: string, flags: number, index = flags): ConsulEntry => ({
  key,
  value: Buffer.alloc(0),
  flags,
  index,
});

test("D11: an answer that lacks what was there, or has it older, is known", () => {
  const seen = new SeenVersions();
  seen.note("a/", [entry("a/k", 4), entry("a/l", 2)]);
  expect(seen.isOlder(seen.ask(), "a/", [entry("a/k", 4), entry("a/l", 6)])).toBe(false);
  expect(seen.isOlder(seen.ask(), "a/", [entry("a/k", 2), entry("a/l", 6)])).toBe(true);
  expect(seen.isOlder(seen.ask(), "a/", [entry("a/k", 4)])).toBe(true);
  expect(seen.isOlder(seen.ask(), "a/", [entry("a/k", 4)], ["a/k"])).toBe(false);
  expect(seen.isOlder(seen.ask(), "b/", [])).toBe(false);
});

test("D11: an answer that another overtook is not taken for an old copy", () => {
  const seen = new SeenVersions();
  const slow = seen.ask();
  const quick = seen.ask();
  expect(seen.isOlder(quick, "a/", [entry("a/k", 4)])).toBe(false);
  seen.note("a/", [entry("a/k", 4)]);
  expect(seen.isOlder(slow, "a/", [entry("a/k", 2)])).toBe(false);
  seen.note("a/", [entry("a/k", 2)]);
  expect(seen.isOlder(seen.ask(), "a/", [entry("a/k", 2)])).toBe(true);
});

test("the newest of all is known, and after a forgetting there is nothing to be older than", () => {
  const seen = new SeenVersions();
  seen.note("a/", [entry("a/k", 4, 20)]);
  seen.note("b/", [entry("b/k", 8, 10)]);
  expect(seen.newest?.key).toBe("a/k");
  seen.forget();
  expect(seen.newest).toBeUndefined();
  expect(seen.isOlder(seen.ask(), "a/", [])).toBe(false);
});
