import { topics } from "../../events/topics.ts";
import { type Clock, sleep } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import { sha256 } from "../../foundation/hash.ts";
import type { ApiParts } from "./api-parts.ts";

/** A store that takes longer to answer something small is not one to work with. */
const answerMs = 5000;

/** The stores that this process works with. */
export type ProbedStores = Partial<Pick<ApiParts, "bus" | "catalog" | "configStore" | "artifacts" | "opsData">>;

/** Asks every store of this process something small. Undefined: well. */
export async function statesOf(
  { bus, catalog, configStore, artifacts, opsData }: ProbedStores,
  clock: Clock,
): Promise<Record<string, string | undefined>> {
  const probes: Record<string, (() => Promise<unknown>) | undefined> = {
    bus: bus && (() => bus.offsets(topics.events)),
    catalog: catalog && (() => catalog.check()),
    configStore: configStore && (() => configStore.secrets.canary()),
    artifacts: artifacts && (() => artifacts.has(sha256("ready?"))),
    opsData: opsData && (() => opsData.highestSeq("none", 1)),
  };
  const asked = await Promise.all(
    Object.entries(probes).map(async ([name, probe]): Promise<[string, string | undefined] | []> => {
      if (probe === undefined) return [];
      try {
        return [name, await answeredInTime(probe(), clock)];
      } catch (error) {
        return [name, messageOf(error)];
      }
    }),
  );
  return Object.fromEntries(asked.filter((state) => state.length > 0));
}

/** Undefined where it did; what it answers late is heard by nobody. */
async function answeredInTime(answer: Promise<unknown>, clock: Clock): Promise<string | undefined> {
  const answered = new AbortController();
  const late = sleep(clock, answerMs, answered.signal).then(() => `does not answer within ${answerMs / 1000} s`);
  try {
    return await Promise.race([answer.then(() => undefined), late]);
  } finally {
    answered.abort();
  }
}
