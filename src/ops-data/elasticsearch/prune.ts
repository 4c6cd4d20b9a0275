import type { Clock } from "../../foundation/clock.ts";
import { bulk } from "./bulk.ts";
import type { Cluster } from "./cluster.ts";
import type { IndexKind } from "./indices.ts";
import { timeQuery } from "./query-dsl.ts";

const documentsAtOnce = 5000;
const executionsAtOnce = 1000;
const maxIndices = 10_000;

interface IndexAges {
  name: string;
  documents: number;
  oldest: number;
  newest: number;
}

/** Deletes documents older than `before`: indices that are past their age whole, of others one by one. Answers how many. */
export async function pruneDocuments(cluster: Cluster, clock: Clock, kind: IndexKind, before: number): Promise<number> {
  const old = { bool: { filter: timeQuery(Number.NEGATIVE_INFINITY, before) } };
  return pruneIndices(cluster, kind, before, (index) => deleteFound(cluster, clock, index, old));
}

/** Deletes the records of executions whose newest is older than `before`, as `pruneDocuments` does. */
export async function pruneRecords(cluster: Cluster, clock: Clock, before: number): Promise<number> {
  return pruneIndices(cluster, "records", before, async (index) => {
    let deleted = 0;
    for await (const executions of executionsWithOldRecords(cluster, index, before)) {
      const alive = await withYoungRecords(cluster, index, executions, before);
      const gone = executions.filter((id) => !alive.has(id));
      if (gone.length > 0) deleted += await deleteFound(cluster, clock, index, { terms: { "fx.execution": gone } });
    }
    return deleted;
  });
}

async function pruneIndices(
  cluster: Cluster,
  kind: IndexKind,
  before: number,
  deleteSome: (index: string) => Promise<number>,
): Promise<number> {
  let deleted = 0;
  for (const { name, documents, oldest, newest } of await agesOf(cluster, kind)) {
    if (newest < before) {
      await cluster.deleteIndex(name);
      deleted += documents;
    } else if (oldest < before) deleted += await deleteSome(name);
  }
  return deleted;
}

async function agesOf(cluster: Cluster, kind: IndexKind): Promise<IndexAges[]> {
  const time = { field: "@timestamp" };
  const { aggregations } = await cluster.search(kind, {
    size: 0,
    aggs: {
      indices: {
        terms: { field: "_index", size: maxIndices },
        aggs: { oldest: { min: time }, newest: { max: time } },
      },
    },
  });
  const { buckets } = (aggregations?.indices ?? { buckets: [] }) as { buckets: AgesBucket[] };
  return buckets.map(({ key, doc_count, oldest, newest }) => ({
    name: key,
    documents: doc_count,
    oldest: oldest.value,
    newest: newest.value,
  }));
}

interface AgesBucket {
  key: string;
  doc_count: number;
  oldest: { value: number };
  newest: { value: number };
}

/** Searched for and deleted by id, since not every server can delete what a query finds. */
async function deleteFound(cluster: Cluster, clock: Clock, index: string, query: object): Promise<number> {
  let deleted = 0;
  for (;;) {
    const { hits } = await cluster.search([index], { size: documentsAtOnce, query, _source: false });
    const found = hits.hits.map(({ _id }) => ({ kind: "delete" as const, index, id: _id }));
    deleted += await bulk(cluster, clock, found);
    if (found.length < documentsAtOnce) return deleted;
  }
}

async function* executionsWithOldRecords(cluster: Cluster, index: string, before: number): AsyncGenerator<string[]> {
  for (let after: object | undefined; ; ) {
    const { aggregations } = await cluster.search([index], {
      size: 0,
      query: { bool: { filter: timeQuery(Number.NEGATIVE_INFINITY, before) } },
      aggs: {
        executions: {
          composite: {
            size: executionsAtOnce,
            sources: [{ id: { terms: { field: "fx.execution" } } }],
            ...(after && { after }),
          },
        },
      },
    });
    const { buckets, after_key } = (aggregations?.executions ?? { buckets: [] }) as {
      buckets: { key: { id: string } }[];
      after_key?: object;
    };
    if (buckets.length > 0) yield buckets.map(({ key }) => key.id);
    if (buckets.length < executionsAtOnce) return;
    after = after_key;
  }
}

async function withYoungRecords(
  cluster: Cluster,
  index: string,
  executions: readonly string[],
  before: number,
): Promise<Set<string>> {
  const young = [{ terms: { "fx.execution": executions } }, ...timeQuery(before, Number.POSITIVE_INFINITY)];
  const { aggregations } = await cluster.search([index], {
    size: 0,
    query: { bool: { filter: young } },
    aggs: { executions: { terms: { field: "fx.execution", size: executions.length } } },
  });
  const { buckets } = (aggregations?.executions ?? { buckets: [] }) as { buckets: { key: string }[] };
  return new Set(buckets.map(({ key }) => key));
}
