import { CliError } from "../cli-error.ts";
import type { Client } from "../connection/client.ts";
import type { EventAnswer } from "../connection/wire.ts";

/** Finds an event by its key, else by its id. Throws `notFound`; a usage error where several have the id. */
export async function findEvent(api: Client, keyOrId: string): Promise<EventAnswer> {
  try {
    return await api.get<EventAnswer>(`/api/v1/events/${encodeURIComponent(keyOrId)}`);
  } catch (error) {
    if (!(error instanceof CliError) || error.exit !== "notFound") throw error;
  }
  const { items } = await api.list<EventAnswer>("/api/v1/events", { id: keyOrId }, 10);
  const [first, ...others] = items;
  if (first === undefined) {
    throw new CliError({
      what: `no event has the key or the id "${keyOrId}"`,
      why: "it was never accepted here, or it is past retention",
      fix: "fx events",
      exit: "notFound",
    });
  }
  if (others.length === 0) return first;
  throw new CliError({
    what: `${items.length} events have the id "${keyOrId}"`,
    problems: items.map(({ key, event, outcome }) => {
      return { path: key, message: `${event.type} from ${event.source}, ${outcome}` };
    }),
    fix: `fx why ${first.key}`,
    exit: "usage",
  });
}
