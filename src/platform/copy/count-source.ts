import { tablesOfTheBus } from "../../catalog/contents.ts";
import { topics } from "../../events/topics.ts";
import type { Stores } from "../compose.ts";
import type { Port } from "../roles.ts";
import type { Both } from "./open-both.ts";
import type { CopyPlan } from "./plan.ts";

export interface Counted {
  what: string;
  count: number;
}

/** What would be copied. What is accepted and not routed yet would be routed before. */
export async function countSource({ moving }: CopyPlan, { source }: Both): Promise<Counted[]> {
  const counts: Counted[] = [];
  const moved = moving.map(({ port }) => port);
  for (const port of moved) counts.push(...(await counters[port](source, moved)));
  return counts;
}

const counters: Record<Port, (source: Stores, moved: readonly Port[]) => Promise<Counted[]>> = {
  async artifactStore({ catalog }) {
    return [{ what: "files of versions", count: (await catalog.services.referencedFiles()).size }];
  },
  async opsData({ opsData: { contents } }) {
    const [writers, events, ends] = [
      await countPages(
        (after) => contents.writers({ after, limit: pageSize }),
        (writer) => writer.executionId,
      ),
      await countPages(
        (after) => contents.events({ after, limit: pageSize }),
        ({ key }) => key,
      ),
      await countPages(
        (after) => contents.ends({ after, limit: pageSize }),
        (end) => end.executionId,
      ),
    ];
    return [
      { what: "executions with output", count: writers },
      { what: "events in history", count: events },
      { what: "executions in history", count: ends },
    ];
  },
  async configStore({ configStore: { state, configuration, secrets } }) {
    return [
      { what: "values of state", count: await countAll(state.all()) },
      { what: "versions of configuration", count: await countAll(configuration.all()) },
      { what: "secrets", count: (await secrets.all()).length },
    ];
  },
  async bus({ bus }) {
    const offsets = await bus.offsets(topics.deadLetter);
    return [{ what: "dead letters", count: offsets.reduce((sum, { earliest, next }) => sum + next - earliest, 0) }];
  },
  async catalog({ catalog }, moved) {
    const left = moved.includes("bus") ? tablesOfTheBus : [];
    const counts = [...(await catalog.contents.counts())].filter(([table]) => !left.includes(table));
    return counts.map(([table, count]) => ({ what: `catalog: ${table}`, count }));
  },
};

const pageSize = 1000;

async function countAll(items: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _ of items) count += 1;
  return count;
}

async function countPages<Item>(
  list: (after: string | undefined) => Promise<Item[]>,
  placeOf: (item: Item) => string,
): Promise<number> {
  let count = 0;
  for (let after: string | undefined; ; ) {
    const page = await list(after);
    count += page.length;
    const last = page.at(-1);
    if (page.length < pageSize || last === undefined) return count;
    after = placeOf(last);
  }
}
