import { expect, onTestFinished, test } from "vitest";
import type { Bus } from "../../../src/bus/bus.ts";
import { openSqliteBus } from "../../../src/bus/sqlite.ts";
import type { LeaseStore } from "../../../src/catalog/leases.ts";
import { openSqliteCatalog } from "../../../src/catalog/sqlite.ts";
import { openSqliteConfigStore } from "../../../src/config-store/sqlite.ts";
import type { StateStore } from "../../../src/config-store/state-store.ts";
import { decodeStateRecord, encodeStateRecord } from "../../../src/events/state-record.ts";
import { topics } from "../../../src/events/topics.ts";
import type { Insist } from "../../../src/executor/patience.ts";
import { StateAccess } from "../../../src/executor/state-access.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { PlatformError } from "../../../src/foundation/errors.ts";
import { createIds, type ExecutionId } from "../../../src/foundation/ids.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";

const owner = { project: "default", service: "counter" };
/** No execution has it: the token of an attempt that was ended. */
const deadLease = { id: "0198c0de-0000-7000-8000-000000000001" as ExecutionId, token: 1 };

/** A run that read `seen`, and is paused where it would write. */
async function pausedPut(pauseAt: "read" | "write") {
  const clock = systemClock;
  const bus = openSqliteBus({ path: ":memory:", clock, log: silentLog, partitions: 1 });
  const ids = createIds(clock, systemRandom);
  const catalog = await openSqliteCatalog({ path: ":memory:", clock, ids, log: silentLog });
  const { state, ...configStore } = openSqliteConfigStore({ clock });
  onTestFinished(async () => {
    await Promise.all([bus.close(), catalog.close(), configStore.close()]);
  });
  await state.put(owner, "seen", 1, 0);
  const paused = Promise.withResolvers<void>();
  const woken = Promise.withResolvers<void>();
  const pause = async () => {
    paused.resolve();
    await woken.promise;
  };
  const slow: StateStore = {
    get: async (service) => {
      const read = await state.get(service);
      if (pauseAt === "read") await pause();
      return read;
    },
    put: async (...change) => {
      await pause();
      return state.put(...change);
    },
    restore: (...entry) => state.restore(...entry),
    all: () => state.all(),
    delete: (...place) => state.delete(...place),
  };
  let held = pauseAt === "write";
  // The lease is lost during the pause: held at the first look, and by the catalog's word afterwards.
  const leases = {
    ...catalog.leases,
    renew: async (...asked: Parameters<typeof catalog.leases.renew>) => {
      const [first] = asked[0];
      const lease = { owner: "x", token: 1, until: 0 } as never;
      if (held && first) return [{ id: first.id, held: true as const, lease, cancelRequested: false }];
      return catalog.leases.renew(...asked);
    },
  };
  const put = new StateAccess({ bus, leases, state: slow, insist: (work) => work() }, owner, deadLease, 1000).put(
    "seen",
    "from the past",
  );
  put.catch(() => {});
  await paused.promise;
  await state.put(owner, "seen", 2, 1);
  held = false;
  woken.resolve();
  return { put, state, bus };
}

for (const pauseAt of ["read", "write"] as const) {
  test(`D11: a put that was paused after its ${pauseAt === "read" ? "reading" : "check of the lease"} loses against a newer version, and changes nothing`, async () => {
    const { put, state, bus } = await pausedPut(pauseAt);
    await expect(put).rejects.toMatchObject({ code: "lease-lost" });
    expect((await state.get(owner)).get("seen")).toEqual({ value: 2, version: 2 });
    const [log] = await bus.offsets(topics.state);
    expect(log?.next ?? 0).toBe(0);
  });
}

test("D11: a put whose line in the log comes late leaves the newest version there last, since compaction keeps the last", async () => {
  const clock = systemClock;
  const bus = openSqliteBus({ path: ":memory:", clock, log: silentLog, partitions: 1 });
  const { state, ...configStore } = openSqliteConfigStore({ clock });
  onTestFinished(async () => {
    await Promise.all([bus.close(), configStore.close()]);
  });
  let isAway = true;
  const publish: Bus["publish"] = async (records) => {
    if (!isAway) return bus.publish(records);
    isAway = false;
    // Another run of the service puts and logs its own meanwhile.
    await state.put(owner, "seen", 2, 1);
    await bus.publish([encodeStateRecord(owner, "seen", { value: 2, version: 2 })]);
    throw new PlatformError("unavailable", "away");
  };
  const insist: Insist = (work) => work().catch(work);
  const lease = { owner: "x", token: 1, until: 0 } as never;
  const renew: LeaseStore["renew"] = async (leases) =>
    leases.map(({ id }) => ({ id, held: true as const, lease, cancelRequested: false }));
  const parts = { bus: { publish } as Bus, leases: { renew } as LeaseStore, state, insist };
  await new StateAccess(parts, owner, deadLease, 1000).put("seen", 1);
  const lines = await bus.peek(topics.state, 0, 0, 10);
  expect(lines.map(({ value }) => decodeStateRecord(value)?.entry)).toEqual([
    { value: 2, version: 2 },
    { value: 2, version: 2 },
  ]);
});
