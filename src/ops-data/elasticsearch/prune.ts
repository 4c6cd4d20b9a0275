import type { DocumentKind, Indices } from "./indices.ts";
import { countOf, deleteMatching, dropIndex, openIndices } from "./search-answers.ts";
import type { SearchServer } from "./search-server.ts";

/** Deletes what is older: whole days by their index, which costs nothing, and of the day that is cut one by one. */
export async function pruneDays(
  server: SearchServer,
  indices: Indices,
  kind: Exclude<DocumentKind, "executions">,
  before: number,
): Promise<number> {
  let deleted = 0;
  for (const index of await openIndices(server, indices.all(kind))) {
    if (!indices.isBefore(index, before)) continue;
    deleted += await countOf(server, index);
    await dropIndex(server, index);
  }
  return deleted + (await deleteMatching(server, indices.all(kind), { range: { "fx.at": { lt: before } } }));
}

/** Drops the days of which everything has gone. */
export async function dropEmptyDays(
  server: SearchServer,
  indices: Indices,
  kind: Exclude<DocumentKind, "executions">,
  before: number,
): Promise<void> {
  for (const index of await openIndices(server, indices.all(kind))) {
    if (indices.isBefore(index, before) && (await countOf(server, index)) === 0) await dropIndex(server, index);
  }
}
