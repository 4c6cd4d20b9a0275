import type { CloudEvent } from "../events/cloud-event.ts";
import type { LinkId, VersionId } from "../foundation/ids.ts";
import { compileFilter, type Filter } from "./filter.ts";
import type { RoutableLink } from "./link.ts";

/** How one link decided about one event. Kept in the ledger. */
export interface LinkVerdict {
  linkId: LinkId | undefined;
  project: string;
  service: string;
  matched: boolean;
  /** Why it did not match; undefined for a match. */
  reason: string | undefined;
}

export interface LinkMatch {
  link: RoutableLink;
  version: VersionId;
  concurrencyKey: string | undefined;
}

export interface Matching {
  matches: LinkMatch[];
  /** Near misses: links whose type fits but that did not match, each with its reason. */
  misses: LinkVerdict[];
}

interface Entry {
  link: RoutableLink;
  filter: Filter | undefined;
  concurrencyKey: Filter | undefined;
}

/**
 * Answers which links an event matches. The router, the dry run and the backtest use this one
 * function, so that what is tried is what happens. Lookups cost O(depth of the type), not O(links).
 */
export class LinkIndex {
  /** The catalog's link epoch at which the links were read. */
  readonly epoch: number;
  readonly size: number;
  readonly #exact = new Map<string, Entry[]>();
  /** Keyed by the prefix with its final dot: "order." for "order.*". */
  readonly #prefixes = new Map<string, Entry[]>();

  constructor(epoch: number, links: readonly RoutableLink[]) {
    this.epoch = epoch;
    this.size = links.length;
    const compile = cachedCompiler();
    for (const link of links) {
      const entry = { link, filter: compile(link.filter), concurrencyKey: compile(link.target.concurrencyKey) };
      const [map, key] = link.eventType.endsWith(".*")
        ? [this.#prefixes, link.eventType.slice(0, -1)]
        : [this.#exact, link.eventType];
      const entries = map.get(key);
      if (entries) entries.push(entry);
      else map.set(key, [entry]);
    }
  }

  match(event: CloudEvent): Matching {
    const matching: Matching = { matches: [], misses: [] };
    this.#consider(this.#exact.get(event.type), event, matching);
    if (this.#prefixes.size > 0) {
      for (let dot = event.type.indexOf("."); dot !== -1; dot = event.type.indexOf(".", dot + 1)) {
        if (dot + 1 < event.type.length) {
          this.#consider(this.#prefixes.get(event.type.slice(0, dot + 1)), event, matching);
        }
      }
    }
    return matching;
  }

  /** Whether any link, active or not, names this type. */
  wants(type: string): boolean {
    if (this.#exact.has(type)) return true;
    for (let dot = type.indexOf("."); dot !== -1; dot = type.indexOf(".", dot + 1)) {
      if (this.#prefixes.has(type.slice(0, dot + 1))) return true;
    }
    return false;
  }

  #consider(entries: Entry[] | undefined, event: CloudEvent, matching: Matching): void {
    if (entries === undefined) return;
    for (const { link, filter, concurrencyKey } of entries) {
      // Rule D19: another project's event does not exist for this link, not even as a near miss.
      if (event.fxproject !== undefined && event.fxproject !== link.project) continue;
      const version = link.target.version;
      const reason = refusal(link) ?? missReason(filter, event);
      if (reason === undefined && version !== undefined) {
        matching.matches.push({ link, version, concurrencyKey: concurrencyKey?.text(event) });
      } else {
        const { id, project, service } = link;
        matching.misses.push({ linkId: id, project, service, matched: false, reason });
      }
    }
  }
}

function refusal(link: RoutableLink): string | undefined {
  if (!link.active) return "the link is switched off";
  if (!link.target.active) return "the service is switched off";
  if (link.target.version === undefined) return `the service has no version "${link.version}"`;
  return undefined;
}

export function missReason(filter: Filter | undefined, event: CloudEvent): string | undefined {
  const verdict = filter?.test(event);
  return verdict === undefined || verdict.matched ? undefined : verdict.reason;
}

/** A thousand links often share a dozen expressions. One that does not compile matches nothing and says why. */
export function cachedCompiler(): (expression: string | undefined) => Filter | undefined {
  const compiled = new Map<string, Filter>();
  return (expression) => {
    if (expression === undefined) return undefined;
    let filter = compiled.get(expression);
    if (filter === undefined) {
      filter = compileOrRefuse(expression);
      compiled.set(expression, filter);
    }
    return filter;
  };
}

function compileOrRefuse(expression: string): Filter {
  try {
    return compileFilter(expression);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { test: () => ({ matched: false, reason }), text: () => undefined, value: () => ({ ok: false, reason }) };
  }
}
