import { editDistance, nearest } from "../../foundation/nearest.ts";
import type { EventAnswer, EventLink, EventMapping, ExecutionAnswer, LinkAnswer } from "../connection/wire.ts";
import { covers } from "../links/links-of.ts";
import { type Paint, paintStatus } from "../terminal/style.ts";
import { clockText, countText, durationText, elapsedMs } from "../terminal/times.ts";

export interface Explained {
  entry: EventAnswer;
  /** What the event started, retries by hand included. */
  executions: readonly ExecutionAnswer[];
  /** All links, to tell near misses in the spelling from types that nobody wants. */
  links: readonly LinkAnswer[];
}

/** The ledger's account of one event, in words: what happened to it, why, and what could be done. */
export function explainEvent({ entry, executions, links }: Explained, paint: Paint, nowMs: number): string {
  const { event, outcome, key } = entry;
  const lines = [
    `◆ ${paint("bold", event.type)}  ${paintStatus(paint, outcome)}`,
    `  ${paint("dim", `event ${event.id} from ${event.source}, key ${key}`)}`,
    `  ${acceptedText(entry, nowMs)}`,
    `  ${outcomeText(entry)}`,
  ];
  for (const link of entry.links.filter(({ matched }) => matched)) lines.push(...matchLines(link, executions, paint));
  for (const link of entry.links.filter(({ matched }) => !matched)) lines.push(...missLines(link, links, paint));
  for (const mapping of entry.mappings ?? []) lines.push(...mappingLines(mapping, paint));
  const byHand = executions.filter(({ id }) => !entry.links.some(({ executionId }) => executionId === id));
  for (const execution of byHand) lines.push(`  ■ ${executionWords(execution, paint)}`);
  return [...lines, ...advice({ entry, executions, links }).map((line) => `  ${line}`)].join("\n");
}

function acceptedText({ event, receivedAt }: EventAnswer, nowMs: number): string {
  const when = receivedAt ? `Accepted at ${clockText(receivedAt, nowMs)}` : "Accepted";
  const step = event.sequence === undefined || event.sequence === "0" ? "its first event" : `step ${event.sequence}`;
  const emitter = event.fxexecution ? `, emitted by execution ${event.fxexecution}` : "";
  const mapped = event.fxmapping ? `, mapped by ${event.fxmapping} from event ${event.fxmappedfrom}` : "";
  return `${when}; ${step} of flow ${event.correlationid ?? "(none)"}${emitter}${mapped}.`;
}

function outcomeText({ outcome, reason, links, mappings, event }: EventAnswer): string {
  const matched = links.filter((link) => link.matched).length;
  switch (outcome) {
    case "pending":
      return "It is durable, and waits to be routed. This takes milliseconds; longer means that no router runs.";
    case "rejected":
      return `It was rejected, and starts nothing: ${reason ?? "no reason was kept"}.`;
    case "matched":
      if (links.length === 0 && mappings?.length) return "A mapping made another event of it.";
      return `${matched} of ${countText(links.length, "link")} that name${links.length === 1 ? "s" : ""} its type matched.`;
    case "unmatched":
      return links.length === 0
        ? `No link named the type "${event.type}" when it was routed, so it started nothing.`
        : `${countText(links.length, "link")} name${links.length === 1 ? "s" : ""} its type, and none matched, so it started nothing.`;
  }
}

function matchLines(link: EventLink, executions: readonly ExecutionAnswer[], paint: Paint): string[] {
  const execution = executions.find(({ id }) => id === link.executionId);
  const place = link.linkId ? paint("dim", `link ${link.linkId}`) : paint("dim", "by name");
  const head = `  ${paint("green", "✓")} ${link.project}/${link.service}  ${place}`;
  if (execution) return [head, `      ${executionWords(execution, paint)}`];
  return link.executionId ? [head, `      started execution ${link.executionId}`] : [head];
}

function executionWords(execution: ExecutionAnswer, paint: Paint): string {
  const took = elapsedMs(execution.startedAt, execution.finishedAt);
  const told = took === undefined ? "" : ` in ${durationText(took)}`;
  const cause = execution.error?.message ?? execution.reason;
  const why = cause ? `: ${cause.split("\n", 1)[0]}` : "";
  const again = execution.retryOf ? `, a retry by hand of ${execution.retryOf}` : "";
  return `execution ${execution.id}${again} ${paintStatus(paint, execution.status)}${told}${why}`;
}

function mappingLines({ mappingId, name, toType, matched, reason, eventKey }: EventMapping, paint: Paint): string[] {
  const sign = matched ? paint("green", "✓") : paint("yellow", "✗");
  const place = paint("dim", `mapping ${name ? `${name}, ` : ""}${mappingId}`);
  const told = matched ? `made event ${eventKey}` : (reason ?? "it made nothing");
  return [`  ${sign} ◆ ${toType}  ${place}`, `      ${told}`];
}

function missLines(miss: EventLink, links: readonly LinkAnswer[], paint: Paint): string[] {
  const link = links.find(({ id }) => id === miss.linkId);
  const fix = missFix(miss, link);
  return [
    `  ${paint("yellow", "✗")} ${miss.project}/${miss.service}  ${paint("dim", `link ${miss.linkId ?? "(gone)"}`)}`,
    `      ${miss.reason ?? "it did not match"}`,
    ...(fix ? [`      to change that: ${fix}`] : []),
  ];
}

function missFix({ reason, linkId, project, service }: EventLink, link: LinkAnswer | undefined): string | undefined {
  if (!link || !linkId) return undefined;
  if (reason === "the link is switched off") return `fx links change ${linkId} --on`;
  if (reason === "the service is switched off") return `fx services change ${project}/${service} --on`;
  if (reason?.startsWith("the service has no version")) return `fx links change ${linkId} --version active`;
  if (link.filter) return `fx links change ${linkId} --filter '<expression>', or --clear-filter`;
  return undefined;
}

/** What to do, after the account of what was. */
function advice({ entry, executions, links }: Explained): string[] {
  const { outcome, event } = entry;
  const failed = executions.find(({ status }) => status === "failed");
  if (failed) return [`What it wrote: fx show ${failed.id}. Once mended: fx retry ${failed.id}`];
  if (outcome !== "unmatched" || entry.links.length > 0) return [];
  const types = new Set(links.map(({ eventType }) => eventType));
  const near = nearestAll(event.type, types);
  const linkedSince = links.filter(({ eventType }) => covers(eventType, event.type));
  if (linkedSince.length > 0) {
    const services = linkedSince.map(({ project, service }) => `${project}/${service}`).join(", ");
    return [`Since then the type was linked to ${services}: the next event of it starts that. This one is decided.`];
  }
  return [
    ...(near.length === 0
      ? []
      : [`Was ${near.map((type) => `"${type}"`).join(" or ")} meant? That is linked: fx send ${near[0]} --data '...'`]),
    `To let the type start a service from now on: fx link ${event.type} <service>`,
  ];
}

/** All that are as near as the nearest: of two letters in the wrong order, more than one word may be meant. */
function nearestAll(word: string, types: ReadonlySet<string>): string[] {
  const best = nearest(word, types);
  if (best === undefined) return [];
  const distance = editDistance(word, best);
  return [...types].filter((type) => editDistance(word, type) === distance).slice(0, 3);
}
