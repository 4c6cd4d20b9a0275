import { topics } from "../../events/topics.ts";
import type { Problem } from "../../foundation/errors.ts";
import type { Stores } from "../compose.ts";
import type { Port } from "../roles.ts";
import type { Both } from "./open-both.ts";
import type { CopyPlan } from "./plan.ts";

/** What stands in the way: what engines hold that are to be filled. What an earlier try has left is not in the way. */
export async function problemsOf({ moving, begun }: CopyPlan, { target }: Both): Promise<Problem[]> {
  const problems: Problem[] = [];
  for (const { port, to } of moving) {
    const held = await heldBy(target, port, begun.has(port));
    if (held.length > 0) problems.push({ path: port, message: `${to} is not empty: it holds ${held.join(", ")}` });
  }
  return problems;
}

async function heldBy(target: Stores, port: Port, isBegun: boolean): Promise<string[]> {
  switch (port) {
    case "bus":
      // The first three are never written by a copy.
      return heldByBus(target, [
        topics.events,
        topics.platform,
        topics.logs,
        ...(isBegun ? [] : [topics.state, topics.deadLetter]),
      ]);
    case "catalog":
      return isBegun ? [] : [...(await target.catalog.contents.counts())].map(([table, rows]) => `${table} (${rows})`);
    case "configStore":
      return isBegun ? [] : heldByConfigStore(target);
    case "artifactStore":
      // A file is its hash: whoever has stored it.
      return [];
    case "opsData":
      return isBegun ? [] : heldByOpsData(target);
  }
}

async function heldByBus({ bus }: Stores, wanted: readonly string[]): Promise<string[]> {
  const held: string[] = [];
  for (const topic of wanted) {
    const records = (await bus.offsets(topic)).reduce((sum, { earliest, next }) => sum + next - earliest, 0);
    if (records > 0) held.push(`${topic} (${records})`);
  }
  return held;
}

async function heldByConfigStore({ configStore }: Stores): Promise<string[]> {
  const holdsAny = async (items: AsyncIterable<unknown>) => {
    for await (const _ of items) return true;
    return false;
  };
  return [
    ...((await holdsAny(configStore.state.all())) ? ["state"] : []),
    ...((await holdsAny(configStore.configuration.all())) ? ["configuration"] : []),
    ...((await configStore.secrets.all()).length > 0 ? ["secrets"] : []),
  ];
}

async function heldByOpsData({ opsData }: Stores): Promise<string[]> {
  const { contents } = opsData;
  const first = { after: undefined, limit: 1 };
  return [
    ...((await contents.writers(first)).length > 0 ? ["output"] : []),
    ...((await contents.events(first)).length > 0 ? ["events"] : []),
    ...((await contents.ends(first)).length > 0 ? ["history"] : []),
  ];
}
