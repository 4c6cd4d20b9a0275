import type { CloudEvent } from "../events/cloud-event.ts";
import { type MappedFrom, mappedEvent } from "../events/mapped-event.ts";
import type { Mapping } from "../events/mapping.ts";
import type { EventKey, MappingId } from "../foundation/ids.ts";
import { type CompiledMapping, compileMapping, mappingProblemsOf } from "./compiled-mapping.ts";
import type { Filter } from "./filter.ts";
import { cachedCompiler, missReason } from "./link-index.ts";

/** How one mapping decided about one event. Kept in the ledger. */
export interface MappingVerdict {
  mappingId: MappingId;
  name: string | undefined;
  toType: string;
  matched: boolean;
  /** Why nothing was made; undefined for a match. */
  reason: string | undefined;
  /** The event that was made. */
  eventKey: EventKey | undefined;
}

export interface MadeEvent {
  mapping: Mapping;
  event: CloudEvent;
  /** Targets whose source is missing. */
  left: string[];
}

export interface MappingResult {
  made: MadeEvent[];
  /** Mappings whose type fits but that made nothing, each with its reason. */
  misses: MappingVerdict[];
}

interface Entry {
  mapping: Mapping;
  filter: Filter | undefined;
  /** A text says why it cannot be applied. */
  compiled: CompiledMapping | string;
}

const none: MappingResult = { made: [], misses: [] };

/**
 * Answers what the mappings make of an event. The router, the dry run, the preview and the backtest
 * use this one function. Lookups cost O(depth of the type), not O(mappings).
 */
export class MappingIndex {
  readonly size: number;
  readonly #exact = new Map<string, Entry[]>();
  /** Keyed by the prefix with its final dot. */
  readonly #prefixes = new Map<string, Entry[]>();

  constructor(mappings: readonly Mapping[]) {
    this.size = mappings.length;
    const compile = cachedCompiler();
    for (const mapping of mappings) {
      const entry = { mapping, filter: compile(mapping.filter), compiled: compileOrRefuse(mapping, compile) };
      const [map, key] = mapping.fromType.endsWith(".*")
        ? [this.#prefixes, mapping.fromType.slice(0, -1)]
        : [this.#exact, mapping.fromType];
      const entries = map.get(key);
      if (entries) entries.push(entry);
      else map.set(key, [entry]);
    }
  }

  map(event: CloudEvent, from: MappedFrom): MappingResult {
    if (this.size === 0) return none;
    const result: MappingResult = { made: [], misses: [] };
    for (const entry of this.#named(event.type)) {
      const { mapping } = entry;
      // Rule D19, as for links.
      if (event.fxproject !== undefined && mapping.project !== undefined && event.fxproject !== mapping.project)
        continue;
      const made = make(entry, event, from);
      if (typeof made !== "string") result.made.push(made);
      else result.misses.push({ ...verdictOf(mapping), matched: false, reason: made, eventKey: undefined });
    }
    return result;
  }

  /** Whether any mapping, active or not, takes this type. */
  wants(type: string): boolean {
    return this.size > 0 && !this.#named(type).next().done;
  }

  *#named(type: string): Generator<Entry, undefined> {
    yield* this.#exact.get(type) ?? [];
    if (this.#prefixes.size === 0) return;
    for (let dot = type.indexOf("."); dot !== -1; dot = type.indexOf(".", dot + 1)) {
      if (dot + 1 < type.length) yield* this.#prefixes.get(type.slice(0, dot + 1)) ?? [];
    }
  }
}

export function verdictOf({ id, name, toType }: Mapping): Pick<MappingVerdict, "mappingId" | "name" | "toType"> {
  return { mappingId: id, name, toType };
}

function make({ mapping, filter, compiled }: Entry, event: CloudEvent, from: MappedFrom): MadeEvent | string {
  if (!mapping.active) return "the mapping is switched off";
  const missed = missReason(filter, event);
  if (missed !== undefined) return missed;
  if (typeof compiled === "string") return compiled;
  const data = compiled.apply(event);
  if (!data.ok) return data.problems.map(({ message }) => message).join("; ");
  const reading = mappedEvent(event, mapping, data.content, from);
  return reading.ok ? { mapping, event: reading.event, left: data.left } : reading.reason;
}

function compileOrRefuse(mapping: Mapping, compile: ReturnType<typeof cachedCompiler>): CompiledMapping | string {
  const problems = mappingProblemsOf(mapping);
  if (problems.length > 0) return problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
  return compileMapping(mapping, (expression) => compile(expression) as Filter);
}
