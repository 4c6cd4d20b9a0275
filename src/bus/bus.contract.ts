import { expect, test } from "vitest";
import { ManualClock } from "../../test/support/manual-clock.ts";
import { topics } from "../events/topics.ts";
import type { Clock } from "../foundation/clock.ts";
import { PlatformError } from "../foundation/errors.ts";
import type { Bus, BusRecord, NewRecord, SubscribeOptions } from "./bus.ts";

export interface BusUnderTest {
  bus: Bus;
  /** Ends this bus as a clean stop does, and opens another on what it stored. */
  reopen(): Promise<Bus>;
}

export interface BusContract {
  /** A new, empty bus; released by the caller when the test ends. */
  open(options: { clock: Clock; partitions: number; retentionMs?: Record<string, number> }): Promise<BusUnderTest>;
  capabilities: {
    /** Judges age by the clock it was given. A remote engine has a clock of its own. */
    retentionByClock: boolean;
  };
}

const text = (value: string) => Buffer.from(value);
const record = (key: string, value: string, topic: string = topics.events): NewRecord => ({
  topic,
  key,
  value: text(value),
});
const values = (records: readonly BusRecord[]) => records.map(({ value }) => Buffer.from(value).toString());
const after = (records: readonly BusRecord[]) =>
  records.map(({ topic, partition, offset }) => ({ topic, partition, offset: offset + 1 }));
const reading = (changes: Partial<SubscribeOptions> = {}): SubscribeOptions => ({
  group: "readers",
  topics: [topics.events],
  from: "earliest",
  maxRecords: 100,
  ...changes,
});

/** What every driver of the bus promises. Calls `test`; call it inside a `describe`. */
export function busContract({ open, capabilities }: BusContract): void {
  const start = async (partitions: number, retentionMs?: Record<string, number>) => {
    const clock = new ManualClock();
    return { clock, ...(await open({ clock, partitions, ...(retentionMs && { retentionMs }) })) };
  };

  test("what was published is read back as it was: key, headers, bytes, place and time", async () => {
    const { bus, clock } = await start(2);
    const value = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const headers = { "content-type": "application/octet-stream", "x-note": "Grüße" };
    const [place] = await bus.publish([{ topic: topics.events, key: "clé 🗝", value, headers }]);
    const subscription = await bus.subscribe(reading());
    const [read, ...others] = (await subscription.next()) ?? [];
    expect(others).toEqual([]);
    expect(read).toMatchObject({ ...place, topic: topics.events, key: "clé 🗝", headers });
    expect(Buffer.from(read?.value ?? []).equals(value)).toBe(true);
    if (capabilities.retentionByClock) expect(read?.at).toBe(clock.now());
  });

  test("records without headers, with an empty value and with an empty key are records", async () => {
    const { bus } = await start(1);
    await bus.publish([record("", ""), { ...record("", ""), headers: {} }]);
    const read = await bus.peek(topics.events, 0, 0, 10);
    expect(read.map(({ key, value, headers }) => ({ key, bytes: value.length, headers }))).toEqual([
      { key: "", bytes: 0, headers: {} },
      { key: "", bytes: 0, headers: {} },
    ]);
  });

  test("records of one key stay in the order of their publish calls, in one partition", async () => {
    const { bus } = await start(4);
    const calls = Array.from({ length: 50 }, (_, n) =>
      bus.publish([record("a", `a${n}`), record(`other-${n}`, "x"), record("b", `b${n}`)]),
    );
    const places = await Promise.all(calls);
    expect(new Set(places.map(([a]) => a?.partition)).size).toBe(1);
    const subscription = await bus.subscribe(reading({ maxRecords: 1000 }));
    const read = (await subscription.next()) ?? [];
    for (const key of ["a", "b"]) {
      const own = read.filter((found) => found.key === key);
      expect(values(own)).toEqual(Array.from({ length: 50 }, (_, n) => `${key}${n}`));
    }
  });

  test("concurrent publishers get offsets that are distinct and without gaps", async () => {
    const { bus } = await start(3);
    const publisher = async (name: number) => {
      const places = [];
      for (let n = 0; n < 20; n += 1) {
        places.push(...(await bus.publish([record(`${name}-${n}`, "1"), record(`${name}+${n}`, "2")])));
      }
      return places;
    };
    const places = (await Promise.all(Array.from({ length: 10 }, (_, name) => publisher(name)))).flat();
    expect(places).toHaveLength(400);
    for (const { partition, earliest, next } of await bus.offsets(topics.events)) {
      const offsets = places.filter((place) => place.partition === partition).map(({ offset }) => offset);
      expect(offsets.sort((left, right) => left - right)).toEqual(Array.from({ length: next }, (_, offset) => offset));
      expect(earliest).toBe(0);
    }
  });

  test("placements answer the records in the order given, and lead back to them", async () => {
    const { bus } = await start(4);
    const records = Array.from({ length: 30 }, (_, n) => record(`key-${n}`, `value-${n}`));
    const places = await bus.publish(records);
    for (const [n, { partition, offset }] of places.entries()) {
      expect(values(await bus.peek(topics.events, partition, offset, 1))).toEqual([`value-${n}`]);
    }
  });

  test("a publish of nothing answers nothing", async () => {
    const { bus } = await start(1);
    expect(await bus.publish([])).toEqual([]);
  });

  test("a topic that nobody used has nothing to read", async () => {
    const { bus } = await start(1);
    expect((await bus.offsets("fx.unused")).every(({ earliest, next }) => earliest === next)).toBe(true);
    expect(await bus.peek("fx.unused", 0, 0, 10)).toEqual([]);
  });

  test("next waits until something is published", async () => {
    const { bus } = await start(2);
    const subscription = await bus.subscribe(reading());
    const next = subscription.next();
    await bus.publish([record("k", "first")]);
    expect(values((await next) ?? [])).toEqual(["first"]);
  });

  test("next does not answer the same record twice to one member", async () => {
    const { bus } = await start(1);
    await bus.publish(["1", "2", "3"].map((value) => record("k", value)));
    const subscription = await bus.subscribe(reading({ maxRecords: 2 }));
    expect(values((await subscription.next()) ?? [])).toEqual(["1", "2"]);
    expect(values((await subscription.next()) ?? [])).toEqual(["3"]);
  });

  test("next ends at once when its signal aborts, and a later call goes on", async () => {
    const { bus } = await start(1);
    const subscription = await bus.subscribe(reading());
    const stopping = new AbortController();
    const next = subscription.next(stopping.signal);
    stopping.abort();
    expect(await next).toBeUndefined();
    await bus.publish([record("k", "later")]);
    expect(await subscription.next(stopping.signal)).toBeUndefined();
    expect(values((await subscription.next()) ?? [])).toEqual(["later"]);
  });

  test("closing the subscription or the bus ends a waiting next", async () => {
    const { bus } = await start(1);
    const closed = await bus.subscribe(reading());
    const waiting = closed.next();
    await closed.close();
    expect(await waiting).toBeUndefined();
    const left = await bus.subscribe(reading({ group: "others" }));
    const alsoWaiting = left.next();
    await bus.close();
    expect(await alsoWaiting).toBeUndefined();
    await expect(bus.publish([record("k", "late")])).rejects.toMatchObject({ code: "unavailable" });
  });

  test("a group from latest sees what comes after it, from earliest also what was there", async () => {
    const { bus } = await start(1);
    await bus.publish([record("k", "before")]);
    const late = await bus.subscribe(reading({ group: "late", from: "latest" }));
    const early = await bus.subscribe(reading({ group: "early", from: "earliest" }));
    await bus.publish([record("k", "behind")]);
    expect(values((await late.next()) ?? [])).toEqual(["behind"]);
    expect(values((await early.next()) ?? [])).toEqual(["before", "behind"]);
  });

  test("one read takes from every partition that has records, at most maxRecords", async () => {
    const { bus } = await start(4);
    await bus.publish(Array.from({ length: 400 }, (_, n) => record(`key-${n}`, "x")));
    const subscription = await bus.subscribe(reading({ maxRecords: 40 }));
    const read = (await subscription.next()) ?? [];
    expect(read).toHaveLength(40);
    expect(new Set(read.map(({ partition }) => partition)).size).toBe(4);
  });

  test("groups do not disturb each other", async () => {
    const { bus } = await start(1);
    await bus.publish([record("k", "shared")]);
    for (const group of ["one", "two"]) {
      const subscription = await bus.subscribe(reading({ group }));
      expect(values((await subscription.next()) ?? [])).toEqual(["shared"]);
    }
  });

  test("members of a group share the partitions: together they see every record once", async () => {
    const { bus } = await start(4);
    const members = await Promise.all([bus.subscribe(reading()), bus.subscribe(reading())]);
    await bus.publish(Array.from({ length: 100 }, (_, n) => record(`key-${n}`, `${n}`)));
    const read = await Promise.all(members.map(async (member) => (await member.next()) ?? []));
    expect(read.every((part) => part.length > 0)).toBe(true);
    expect(
      values(read.flat())
        .map(Number)
        .sort((left, right) => left - right),
    ).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });

  test("what a member read but did not commit goes to the others when it leaves: at least once", async () => {
    const { bus } = await start(2);
    const leaving = await bus.subscribe(reading());
    await bus.publish(Array.from({ length: 20 }, (_, n) => record(`key-${n}`, `${n}`)));
    const read = (await leaving.next()) ?? [];
    expect(read).toHaveLength(20);
    await leaving.commit(after(read.filter(({ partition }) => partition === 0)));
    const staying = await bus.subscribe(reading());
    await leaving.close();
    const again: BusRecord[] = [];
    const expected = read.filter(({ partition }) => partition === 1);
    while (again.length < expected.length) again.push(...((await staying.next()) ?? []));
    expect(values(again)).toEqual(values(expected));
  });

  test("a member that joins takes its share over, from where the group committed", async () => {
    const { bus } = await start(2);
    const first = await bus.subscribe(reading());
    await bus.publish(Array.from({ length: 20 }, (_, n) => record(`key-${n}`, `${n}`)));
    const read = (await first.next()) ?? [];
    const halves = [0, 1].map((partition) => read.filter((own) => own.partition === partition));
    const committed = halves.flatMap((half) => half.slice(0, 3));
    await first.commit(halves.flatMap((half) => after(half.slice(2, 3))));
    const second = await bus.subscribe(reading());
    const again = (await second.next()) ?? [];
    expect(new Set(again.map(({ partition }) => partition)).size).toBe(1);
    const taken = halves.find((half) => half[0]?.partition === again[0]?.partition) ?? [];
    expect(values(again)).toEqual(values(taken.filter((own) => !committed.includes(own))));
  });

  test("positions outlive the members and the process", async () => {
    const { bus, reopen } = await start(1);
    await bus.publish(["1", "2", "3"].map((value) => record("k", value)));
    const subscription = await bus.subscribe(reading({ maxRecords: 2 }));
    await subscription.commit(after((await subscription.next()) ?? []));
    await subscription.next();
    const reopened = await reopen();
    const again = await reopened.subscribe(reading());
    expect(values((await again.next()) ?? [])).toEqual(["3"]);
  });

  test("where a group stands can be asked: in what it has committed, also when it is gone", async () => {
    const { bus, reopen } = await start(2);
    await bus.publish(Array.from({ length: 20 }, (_, n) => record(`key-${n}`, `${n}`)));
    const subscription = await bus.subscribe(reading());
    const stands = (of: Bus) => of.committed("readers", topics.events);
    expect(await stands(bus)).toEqual([]);
    const read = (await subscription.next()) ?? [];
    await subscription.commit(after(read.filter(({ partition }) => partition === 1)));
    const offset = read.filter(({ partition }) => partition === 1).length;
    expect(await stands(bus)).toEqual([{ topic: topics.events, partition: 1, offset }]);
    expect(await bus.committed("another", topics.events)).toEqual([]);
    expect(await bus.committed("readers", "a topic that nobody named")).toEqual([]);
    await subscription.close();
    expect(await stands(await reopen())).toEqual([{ topic: topics.events, partition: 1, offset }]);
  });

  test("a commit never moves a position backwards", async () => {
    const { bus, reopen } = await start(1);
    await bus.publish(["1", "2", "3"].map((value) => record("k", value)));
    const subscription = await bus.subscribe(reading());
    const position = { topic: topics.events, partition: 0 };
    await subscription.commit([{ ...position, offset: 2 }]);
    await subscription.commit([{ ...position, offset: 1 }]);
    const again = await (await reopen()).subscribe(reading());
    expect(values((await again.next()) ?? [])).toEqual(["3"]);
  });

  test("D13: seek continues where the catalog says, in both directions", async () => {
    const { bus } = await start(1);
    await bus.publish(["0", "1", "2", "3"].map((value) => record("k", value)));
    const subscription = await bus.subscribe(reading({ maxRecords: 1 }));
    const position = { topic: topics.events, partition: 0 };
    subscription.seek({ ...position, offset: 2 });
    expect(values((await subscription.next()) ?? [])).toEqual(["2"]);
    subscription.seek({ ...position, offset: 0 });
    expect(values((await subscription.next()) ?? [])).toEqual(["0"]);
    expect(values((await subscription.next()) ?? [])).toEqual(["1"]);
  });

  test("D13: partitions go on where the reader says and not where its group committed, also those that come by a later deal", async () => {
    const { bus } = await start(2);
    const positions = [0, 1].map((partition) => ({ topic: topics.events, partition, offset: 2 }));
    const known = reading({ resumeAt: async () => positions });
    await bus.publish(Array.from({ length: 40 }, (_, n) => record(`key-${n}`, `${n}`)));
    const leaving = await bus.subscribe(known);
    const staying = await bus.subscribe(known);
    const read = (await leaving.next()) ?? [];
    await leaving.commit(after(read));
    const partition = read[0]?.partition;
    expect(read.map(({ offset }) => offset)).toEqual(read.map((_, n) => n + 2));
    await leaving.close();
    const taken: BusRecord[] = [];
    while (taken.length < read.length) {
      taken.push(...((await staying.next()) ?? []).filter((own) => own.partition === partition));
    }
    expect(values(taken)).toEqual(values(read));
  });

  test("D13: while it is not known where to go on, nothing is read, and no record is lost by it", async () => {
    const { bus } = await start(1);
    await bus.publish(["0", "1", "2"].map((value) => record("k", value)));
    let known = false;
    const resumeAt = async () => {
      if (!known) throw new PlatformError("unavailable", "the catalog is away");
      return [{ topic: topics.events, partition: 0, offset: 1 }];
    };
    await expect(bus.subscribe(reading({ resumeAt }))).rejects.toMatchObject({ message: "the catalog is away" });
    known = true;
    const subscription = await bus.subscribe(reading({ resumeAt }));
    expect(values((await subscription.next()) ?? [])).toEqual(["1", "2"]);
  });

  test("everything published is there after a clean stop, and offsets go on", async () => {
    const { bus, reopen } = await start(2);
    await bus.publish(Array.from({ length: 10 }, (_, n) => record(`key-${n}`, `${n}`)));
    const before = await bus.offsets(topics.events);
    const reopened = await reopen();
    expect(await reopened.offsets(topics.events)).toEqual(before);
    const [place] = await reopened.publish([record("key-0", "more")]);
    expect(place?.offset).toBe(before[place?.partition ?? 0]?.next);
  });

  test("peek moves nothing and answers at most the limit", async () => {
    const { bus } = await start(1);
    await bus.publish(["0", "1", "2", "3"].map((value) => record("k", value)));
    expect(values(await bus.peek(topics.events, 0, 1, 2))).toEqual(["1", "2"]);
    expect(await bus.peek(topics.events, 0, 4, 2)).toEqual([]);
    const subscription = await bus.subscribe(reading());
    expect(values((await subscription.next()) ?? [])).toEqual(["0", "1", "2", "3"]);
  });

  test("a signal reaches every listener once however often it is raised in a turn, and no other channel", async () => {
    const { bus } = await start(1);
    const heard: string[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    bus.onSignal("dispatch", () => heard.push("first"));
    const off = bus.onSignal("dispatch", () => heard.push("gone"));
    bus.onSignal("outbox", () => heard.push("other"));
    bus.onSignal("dispatch", resolve);
    off();
    bus.signal("dispatch");
    bus.signal("dispatch");
    await promise;
    expect(heard).toEqual(["first"]);
  });

  test("a record of many megabytes passes whole", async () => {
    const { bus, reopen } = await start(1);
    const value = Buffer.alloc(5 * 1024 * 1024, "0123456789");
    await bus.publish([record("k", "small"), { topic: topics.events, key: "k", value }, record("k", "small")]);
    const [, read] = await (await reopen()).peek(topics.events, 0, 0, 3);
    expect(Buffer.compare(Buffer.from(read?.value ?? []), value)).toBe(0);
  });

  test("more records than one stored batch holds are read in order from any place", async () => {
    const { bus } = await start(1);
    await bus.publish(Array.from({ length: 2500 }, (_, n) => record("k", `${n}`)));
    for (const offset of [0, 999, 1000, 1001, 2499]) {
      const read = await bus.peek(topics.events, 0, offset, 3);
      expect(values(read)).toEqual([offset, offset + 1, offset + 2].filter((n) => n < 2500).map(String));
    }
  });

  if (capabilities.retentionByClock) {
    test("D13: prune takes what is older than its topic's retention, and no offset is given twice", async () => {
      const { bus, clock, reopen } = await start(1, { [topics.events]: 1000, [topics.platform]: 10_000 });
      await bus.publish([record("k", "old"), record("k", "old"), record("k", "kept", topics.platform)]);
      clock.advance(600);
      await bus.publish([record("k", "newer")]);
      clock.advance(10);
      await bus.publish([record("k", "newest")]);
      clock.advance(590);
      expect(await bus.prune()).toBe(2);
      expect(values(await bus.peek(topics.events, 0, 0, 10))).toEqual(["newer", "newest"]);
      expect(values(await bus.peek(topics.platform, 0, 0, 10))).toEqual(["kept"]);
      clock.advance(600);
      expect(await bus.prune()).toBe(2);
      const reopened = await reopen();
      expect(await reopened.offsets(topics.events)).toEqual([{ partition: 0, earliest: 4, next: 4 }]);
      expect(await reopened.publish([record("k", "next")])).toEqual([{ partition: 0, offset: 4 }]);
    });

    test("D13: what a topic's reader has not committed stays, however old", async () => {
      const { bus, clock, reopen } = await start(1, { [topics.events]: 1000 });
      await bus.publish([record("k", "read")]);
      const subscription = await bus.subscribe(reading());
      await subscription.commit(after((await subscription.next()) ?? []));
      await bus.publish([record("k", "accepted"), record("k", "as well")]);
      clock.advance(5000);
      const reopened = await reopen();
      const readers = { [topics.events]: reading().group };
      expect(await reopened.prune(readers)).toBe(1);
      const again = await reopened.subscribe(reading());
      const [first] = (await again.next()) ?? [];
      expect(values(first ? [first] : [])).toEqual(["accepted"]);
      await again.commit(after(first ? [first] : []));
      expect(await reopened.prune(readers)).toBe(0);
      expect(values(await reopened.peek(topics.events, 0, 0, 10))).toContain("as well");
      await again.commit([{ topic: topics.events, partition: 0, offset: 3 }]);
      expect(await reopened.prune(readers)).toBe(2);
    });

    test("D13: a reader below the earliest record goes on at the earliest", async () => {
      const { bus, clock } = await start(1, { [topics.events]: 1000 });
      const subscription = await bus.subscribe(reading());
      await bus.publish([record("k", "gone")]);
      clock.advance(2000);
      await bus.publish([record("k", "kept")]);
      await bus.prune();
      expect(values((await subscription.next()) ?? [])).toEqual(["kept"]);
      subscription.seek({ topic: topics.events, partition: 0, offset: 0 });
      expect(values((await subscription.next()) ?? [])).toEqual(["kept"]);
    });

    test("a clock that is set back makes no hole", async () => {
      const { bus, clock } = await start(1, { [topics.events]: 1000 });
      await bus.publish([record("k", "0")]);
      clock.setBack(5000);
      await bus.publish([record("k", "1")]);
      clock.advance(3000);
      await bus.prune();
      expect(values(await bus.peek(topics.events, 0, 0, 10))).toEqual(["0", "1"]);
    });

    test("D11: of the state log the newest record of each key stays, at its offset, however old", async () => {
      const { bus, clock, reopen } = await start(1);
      for (const value of ["a1", "b1", "a2", "c1", "a3"]) {
        await bus.publish([record(value.slice(0, 1), value, topics.state)]);
      }
      await bus.publish([
        record("b", "b2", topics.state),
        record("d", "d1", topics.state),
        record("d", "d2", topics.state),
      ]);
      clock.advance(1000 * 24 * 60 * 60 * 1000);
      expect(await bus.prune()).toBe(4);
      expect(await bus.prune()).toBe(0);
      const read = await (await reopen()).peek(topics.state, 0, 0, 10);
      expect(read.map(({ offset, value }) => [offset, Buffer.from(value).toString()])).toEqual([
        [3, "c1"],
        [4, "a3"],
        [5, "b2"],
        [7, "d2"],
      ]);
    });
  }
}
