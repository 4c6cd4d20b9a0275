import { z } from "zod";
import { PlatformError } from "../../foundation/errors.ts";
import type { Found, SearchRequest } from "../../ops-data/ops-data.ts";
import { parseQuery } from "../../search/parse-query.ts";
import type { QueryFields } from "../../search/query-fields.ts";
import { splitTimeRange } from "../../search/time-range.ts";
import { timeQuery, timeText } from "./list-query.ts";

/** How long a search looks before it answers with what it has. */
export const searchTimeLimitMs = 10_000;

const language = "See docs/reference/log-query.md";

/** Query parameters of every search. */
export const searchQuery = {
  q: z
    .string()
    .default("")
    .meta({ description: `What to look for; absent: everything. ${language}.` }),
  from: timeQuery.meta({ description: "From this time on." }),
  to: timeQuery.meta({ description: "Before this time." }),
};

const parsed = z.object(searchQuery);

/** Throws `invalid-input` with the place of what is wrong in `q`. */
export function searchOf(
  { q, from, to }: z.output<typeof parsed>,
  fields: QueryFields,
): Pick<SearchRequest, "query" | "from" | "to"> {
  if (from !== undefined && to !== undefined && from > to) throw endsBeforeItBegins(from, to);
  const { node, range } = splitTimeRange(parseQuery(q, fields));
  return {
    query: node,
    from: Math.max(range.from, from ?? Number.NEGATIVE_INFINITY),
    to: Math.min(range.to, to ?? Number.POSITIVE_INFINITY),
  };
}

/** What tells how far a search came. */
export const searchedAnswer = {
  complete: z.boolean().meta({ description: "False: the time was up; older matches may exist before `searchedTo`." }),
  searchedTo: z.string().nullable().meta({ description: "Back to this time was searched; null: to the beginning." }),
};

export function searchedOf({ complete, searchedTo }: Pick<Found<unknown>, "complete" | "searchedTo">) {
  return { complete, searchedTo: Math.abs(searchedTo) < 8.64e15 && searchedTo > 0 ? timeText(searchedTo) : null };
}

/** A list of what was found, with the key of the following page. */
export function foundAnswer<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: "`after` of the next page; null when nothing older was found." }),
    ...searchedAnswer,
  });
}

export function foundOf<Item extends { id: string }, Shown>(
  found: Found<Item>,
  limit: number,
  show: (item: Item) => Shown,
) {
  const next = found.items.length === limit ? (found.items.at(-1)?.id ?? null) : null;
  return { items: found.items.map(show), next, ...searchedOf(found) };
}

/** Both ends of a span that must be bounded: `from` defaults to `defaultMs` before `to`, `to` to now. */
export function boundedSpan(
  { from, to }: { from: number; to: number },
  nowMs: number,
  defaultMs: number,
): { from: number; to: number } {
  const end = Number.isFinite(to) ? to : nowMs + 1;
  const begin = Number.isFinite(from) ? from : end - defaultMs;
  if (begin < end) return { from: begin, to: end };
  throw endsBeforeItBegins(begin, end);
}

function endsBeforeItBegins(from: number, to: number): PlatformError {
  return new PlatformError(
    "invalid-input",
    `"from" must be before "to": ${timeText(from)} is not before ${timeText(to)}`,
  );
}
