import { z } from "zod";
import { maxPageSize, type Page, type PageRequest } from "../../catalog/paging.ts";

/** Query parameters of every list. */
export const pageQuery = {
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(maxPageSize)
    .default(100)
    .meta({ description: `How many items, 1 to ${maxPageSize}.` }),
  after: z.string().min(1).optional().meta({ description: "`next` of the previous page." }),
};

/** RFC 3339, as milliseconds since the epoch. */
export const timeQuery = z.iso
  .datetime({ offset: true, error: "must be an RFC 3339 time such as 2026-01-31T12:00:00Z" })
  .transform((text) => Date.parse(text))
  .optional();

export function pageRequestOf(query: { limit: number; after?: string | undefined }): PageRequest {
  return { limit: query.limit, after: query.after };
}

export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: "`after` of the next page; null at the end." }),
  });
}

export function pageAnswer<Item, Shown>(page: Page<Item>, show: (item: Item) => Shown) {
  return { items: page.items.map(show), next: page.next ?? null };
}

export function timeText(ms: number): string;
export function timeText(ms: number | undefined): string | null;
export function timeText(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}
