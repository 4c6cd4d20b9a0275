import type { Json, JsonObject } from "../../foundation/json.ts";
import type { SearchServer } from "./search-server.ts";

export interface Hit<Source> {
  _index: string;
  _id: string;
  _source: Source;
  sort?: Json[];
}

export interface SearchAnswer<Source> {
  timed_out: boolean;
  hits: { hits: Hit<Source>[] };
  aggregations?: Record<string, unknown>;
}

/** Indices that are not there hold nothing. */
export async function search<Source>(
  server: SearchServer,
  indices: string,
  body: JsonObject,
  signal?: AbortSignal,
): Promise<SearchAnswer<Source>> {
  const route = `/${indices}/_search?ignore_unavailable=true&allow_no_indices=true`;
  return (await server.ask<SearchAnswer<Source>>("POST", route, body, { signal })).answer;
}

const deletedAtOnce = 1000;

/** Answers how many documents went. What is written at the same time may stay, until the next call. */
export async function deleteMatching(server: SearchServer, indices: string, query: JsonObject): Promise<number> {
  let deleted = 0;
  for (;;) {
    const body = { size: deletedAtOnce, query, _source: false, sort: ["_doc"] };
    const { hits } = await search(server, indices, body);
    if (hits.hits.length === 0) return deleted;
    await server.bulk(hits.hits.map(({ _index, _id }) => ({ action: "delete", index: _index, id: _id })));
    deleted += hits.hits.length;
    const touched = new Set(hits.hits.map(({ _index }) => _index));
    await server.ask("POST", `/${[...touched].join(",")}/_refresh?ignore_unavailable=true`);
  }
}

/** Indices by name that are open. */
export async function openIndices(server: SearchServer, pattern: string): Promise<string[]> {
  const route = `/_cat/indices/${pattern}?format=json&h=index&expand_wildcards=open`;
  return (await server.ask<{ index: string }[]>("GET", route)).answer.map(({ index }) => index);
}

export async function countOf(server: SearchServer, index: string): Promise<number> {
  return (await server.ask<{ count: number }>("GET", `/${index}/_count`)).answer.count;
}

/** A whole index at once, whatever is in it. */
export async function dropIndex(server: SearchServer, index: string): Promise<void> {
  await server.ask("DELETE", `/${index}`, undefined, { also: [404] });
}

export interface CompositeBucket {
  key: Record<string, Json>;
  doc_count: number;
}

/** All buckets of a composite aggregation, page by page. */
export async function* compositeBuckets<Bucket extends CompositeBucket>(
  server: SearchServer,
  indices: string,
  { query, sources, aggs }: { query: JsonObject; sources: JsonObject[]; aggs?: JsonObject },
  signal?: AbortSignal,
): AsyncGenerator<Bucket> {
  for (let after: Json | undefined; ; ) {
    const composite = { size: 1000, sources, ...(after === undefined ? {} : { after }) };
    const body = { size: 0, query, aggs: { groups: { composite, ...(aggs && { aggs }) } } };
    const { aggregations } = await search(server, indices, body, signal);
    const groups = aggregations?.groups as { buckets: Bucket[]; after_key?: Json } | undefined;
    yield* groups?.buckets ?? [];
    after = groups?.after_key;
    if (after === undefined) return;
  }
}
