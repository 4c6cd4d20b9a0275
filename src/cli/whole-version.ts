import { CliError, usageError } from "./cli-error.ts";
import type { Client } from "./connection/client.ts";
import type { VersionAnswer } from "./connection/wire.ts";
import type { ServiceRef } from "./service-ref.ts";

/** How much of a version's id tables show; it can be typed back. */
export const shownVersionLength = 12;
const wholeLength = 43;

/**
 * The id of the one version that begins with `given`; a whole id and the word "active" are passed on as they are.
 * Throws when no version or several begin so.
 */
export async function wholeVersion(api: Client, service: ServiceRef, given: string): Promise<string> {
  if (given === "active" || given.length >= wholeLength) return given;
  const { items } = await api.list<VersionAnswer>(`${service.path}/versions`, {}, 1000);
  const found = items.filter(({ version }) => version.startsWith(given));
  const fix = `fx services versions ${service.text}`;
  if (found.length > 1) throw usageError(`${found.length} versions of ${service.text} begin with "${given}"`, fix);
  const [one] = found;
  if (!one) throw new CliError({ what: `${service.text} has no version "${given}"`, fix, exit: "notFound" });
  return one.version;
}
