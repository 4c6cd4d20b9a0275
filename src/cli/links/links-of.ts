import type { Client } from "../connection/client.ts";
import type { LinkAnswer } from "../connection/wire.ts";

/** The links that events of a type start something by: those that name it, and patterns that cover it, switched on. */
export async function linksOf(api: Client, eventType: string): Promise<LinkAnswer[]> {
  const { items } = await api.list<LinkAnswer>("/api/v1/links", {}, 10_000);
  return items.filter((link) => link.active && covers(link.eventType, eventType));
}

/** Whether a link's event type, exact or with a trailing `.*`, takes events of this type. */
export function covers(pattern: string, type: string): boolean {
  return pattern === type || (pattern.endsWith(".*") && type.startsWith(pattern.slice(0, -1)));
}
