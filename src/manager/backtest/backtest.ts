import type { LedgerEntry, LedgerStore } from "../../catalog/ledger.ts";
import type { CloudEvent } from "../../events/cloud-event.ts";
import type { Mapping } from "../../events/mapping.ts";
import { isLifecycleType, platformEventTypes } from "../../events/reserved-types.ts";
import type { Clock } from "../../foundation/clock.ts";
import { endOfTurn } from "../../foundation/turn.ts";
import type { RoutableLink } from "../../services/link.ts";
import { LinkIndex } from "../../services/link-index.ts";
import { MappingIndex } from "../../services/mapping-index.ts";
import { storedEvents } from "./stored-events.ts";

/** What is tried on stored events. */
export type Proposal = { link: RoutableLink } | { mapping: Mapping; links: LinkIndex };

export interface BacktestLimits {
  from: number;
  to: number;
  samples: number;
  /** Most events that are looked at. */
  events: number;
}

export interface BacktestResult {
  examined: number;
  matched: number;
  /** Of the matched, those that had started a run of the link's service, or the same mapping, already. */
  alreadyDone: number;
  missed: number;
  /** Not routed at all, so that nothing proposed could change it. */
  notRouted: number;
  /** Retention has taken their data: what they hold cannot be told. */
  unknown: number;
  reasons: Map<string, number>;
  /** Matched events by the hour that they were received in, milliseconds since the epoch. */
  hours: Map<number, { examined: number; matched: number }>;
  samples: BacktestSample[];
  /** Of a mapping: runs that its events would have started, one step on, by service. */
  further: Map<string, number>;
  /** The oldest event that was looked at, where not all were; undefined otherwise. */
  truncatedAt: number | undefined;
  /** The proposal takes more types than are looked at together. */
  typesLeftOut: boolean;
}

export interface BacktestSample {
  entry: LedgerEntry;
  matched: boolean;
  reason: string | undefined;
  /** What a mapping would have made. */
  made: CloudEvent | undefined;
  alreadyDone: boolean;
}

const hourMs = 3_600_000;
/** What is looked at before others have their turn. */
const turnMs = 8;
/** Different reasons that are told apart; the others count together. */
const maxReasons = 50;

/**
 * Holds a proposed link or mapping against what the ledger remembers, with the router's own index, so
 * that what is tried is what happens. Hop limit and budget are left out. Newest events first.
 */
export async function backtest(
  { ledger, clock }: { ledger: LedgerStore; clock: Clock },
  proposal: Proposal,
  limits: BacktestLimits,
  stopped: AbortSignal,
): Promise<BacktestResult> {
  const judge = "link" in proposal ? judgeLink(proposal.link) : judgeMapping(proposal.mapping, proposal.links);
  const pattern = "link" in proposal ? proposal.link.eventType : proposal.mapping.fromType;
  const { entries, typesLeftOut } = await storedEvents(ledger, pattern, limits);
  const result = { ...emptyResult(), typesLeftOut };
  const misses: BacktestSample[] = [];
  let turn = clock.monotonic();
  let oldest = limits.to;
  for await (const entry of entries) {
    if (result.examined >= limits.events || stopped.aborted) {
      result.truncatedAt = oldest;
      break;
    }
    oldest = entry.receivedAt;
    count(result, entry, judge, { samples: limits.samples, misses });
    if (clock.monotonic() - turn > turnMs) {
      await new Promise<void>((resolve) => endOfTurn(resolve));
      turn = clock.monotonic();
    }
  }
  // Near misses are shown where there is room: they say why fewer matched than was thought.
  result.samples.push(...misses.slice(0, limits.samples - result.samples.length));
  return result;
}

interface Verdict {
  matched: boolean;
  reason: string | undefined;
  made: CloudEvent | undefined;
  alreadyDone: boolean;
  further: string[];
}

/** Undefined: the event does not exist for what is proposed, since it is another project's. */
type Judge = (entry: LedgerEntry) => Verdict | undefined;

function judgeLink(link: RoutableLink): Judge {
  const index = new LinkIndex(0, [link]);
  return ({ event, links }) => {
    // It concerns the one run that asked for it: the router holds it against no link.
    if (event.type === platformEventTypes.retryDue) return undefined;
    const { matches, misses } = index.match(event);
    if (matches.length + misses.length === 0) return undefined;
    const alreadyDone =
      matches.length > 0 &&
      links.some(({ matched, project, service }) => matched && project === link.project && service === link.service);
    return { matched: matches.length > 0, reason: misses[0]?.reason, made: undefined, alreadyDone, further: [] };
  };
}

function judgeMapping(mapping: Mapping, linked: LinkIndex): Judge {
  const index = new MappingIndex([mapping]);
  return ({ key, event, sequence, receivedAt, mappings }) => {
    const rootFlow = typeof event.fxrootflow === "string" ? event.fxrootflow : (event.correlationid ?? event.id);
    // Rule D14, as the router says it: what is made of an execution event starts runs that start no others.
    const lifecycle = isLifecycleType(event.type) || event.fxlifecycle === true;
    const { made, misses } = index.map(event, { key, sequence, rootFlow, lifecycle, now: receivedAt });
    if (made.length + misses.length === 0) return undefined;
    const result = made[0]?.event;
    const further = result ? linked.match(result).matches.map(({ link }) => `${link.project}/${link.service}`) : [];
    const alreadyDone = result !== undefined && mappings.some((one) => one.matched && one.toType === mapping.toType);
    return { matched: result !== undefined, reason: misses[0]?.reason, made: result, alreadyDone, further };
  };
}

function count(
  result: BacktestResult,
  entry: LedgerEntry,
  judge: Judge,
  { samples, misses }: { samples: number; misses: BacktestSample[] },
): void {
  result.examined += 1;
  const hour = Math.floor(entry.receivedAt / hourMs) * hourMs;
  const inHour = result.hours.get(hour) ?? { examined: 0, matched: 0 };
  result.hours.set(hour, inHour);
  inHour.examined += 1;
  if (entry.stripped) {
    result.unknown += 1;
    return;
  }
  if (entry.outcome === "rejected" || entry.reason?.startsWith("recorded, not routed")) {
    result.notRouted += 1;
    return;
  }
  const verdict = judge(entry);
  if (verdict === undefined) {
    result.notRouted += 1;
    return;
  }
  const { matched, reason, made, alreadyDone, further } = verdict;
  const sample = { entry, matched, reason, made, alreadyDone };
  if (!matched) {
    result.missed += 1;
    const text = reason ?? "it did not match";
    const known = result.reasons.has(text) || result.reasons.size < maxReasons;
    increase(result.reasons, known ? text : "other reasons");
    if (misses.length < samples) misses.push(sample);
    return;
  }
  result.matched += 1;
  inHour.matched += 1;
  if (alreadyDone) result.alreadyDone += 1;
  for (const service of further) increase(result.further, service);
  if (result.samples.length < samples) result.samples.push(sample);
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function emptyResult(): BacktestResult {
  return {
    examined: 0,
    matched: 0,
    alreadyDone: 0,
    missed: 0,
    notRouted: 0,
    unknown: 0,
    reasons: new Map(),
    hours: new Map(),
    samples: [],
    further: new Map(),
    truncatedAt: undefined,
    typesLeftOut: false,
  };
}
