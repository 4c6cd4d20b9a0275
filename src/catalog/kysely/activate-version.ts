import type { Ids, LinkId } from "../../foundation/ids.ts";
import { nextTime, type Schedule } from "../../services/cron/schedule-times.ts";
import { type Manifest, triggersOf } from "../../services/manifest.ts";
import { serviceLimitsOf } from "../../services/service-limits.ts";
import { newLink } from "./links.ts";
import type { Tx } from "./store-context.ts";
import type { ServicesTable } from "./tables.ts";

/**
 * Lays the manifest's links (rule D17). Each that it names and that is neither there nor removed by
 * a person is added; each of an older manifest that it no longer names goes without a trace.
 */
export async function layManifestLinks(
  tx: Tx,
  ids: Ids,
  service: { project: string; name: string },
  manifest: Manifest,
  now: number,
): Promise<void> {
  const { project, name } = service;
  const there = await tx
    .selectFrom("links")
    .selectAll()
    .where("project", "=", project)
    .where("service", "=", name)
    .where("version", "=", "active")
    .execute();
  const contentOf = (eventType: string, filter: string) => JSON.stringify([eventType, filter]);
  const known = new Set(there.map((link) => contentOf(link.event_type, link.filter)));
  const wanted = new Set<string>();
  for (const { type, filter = "" } of triggersOf(manifest)) {
    const content = contentOf(type, filter);
    const isNew = !known.has(content) && !wanted.has(content);
    wanted.add(content);
    if (!isNew) continue;
    const link = { project, service: name, version: "active", event_type: type, filter } as const;
    const flags = { active: true, origin: "manifest", removed: false } as const;
    await tx
      .insertInto("links")
      .values(newLink(ids.next() as LinkId, link, flags, now))
      .execute();
  }
  for (const link of there) {
    if (link.origin !== "manifest" || link.removed === 1 || wanted.has(contentOf(link.event_type, link.filter)))
      continue;
    await tx.deleteFrom("links").where("id", "=", link.id).execute();
  }
}

/**
 * What the service takes over from the manifest of the version that becomes active: flags that no
 * person chose, the limits of its runs, and the schedule. A new or changed schedule begins now; it makes up for nothing before.
 */
export function adoptedFrom(
  manifest: Manifest,
  former: Pick<
    ServicesTable,
    "active" | "active_pinned" | "priority" | "priority_pinned" | "schedule" | "schedule_since" | "schedule_next"
  >,
  now: number,
): Pick<ServicesTable, "active" | "priority" | "schedule" | "schedule_since" | "schedule_next" | keyof Limits> {
  const schedule =
    manifest.schedule === undefined ? null : JSON.stringify([manifest.schedule, manifest.timezone ?? "UTC"]);
  const unchanged = schedule === former.schedule;
  return {
    active: former.active_pinned === 1 ? former.active : manifest.active ? 1 : 0,
    priority: former.priority_pinned === 1 ? former.priority : manifest.priority,
    ...limitsFrom(manifest),
    schedule,
    ...(unchanged
      ? { schedule_since: former.schedule_since, schedule_next: former.schedule_next }
      : scheduleFrom(schedule, now)),
  };
}

type Limits = Pick<
  ServicesTable,
  "concurrency" | "throttle_limit" | "throttle_period_ms" | "queue_limit" | "queue_policy"
>;

function limitsFrom(manifest: Manifest): Limits {
  const { concurrency, throttle, queue } = serviceLimitsOf(manifest);
  return {
    concurrency: concurrency ?? null,
    throttle_limit: throttle?.limit ?? null,
    throttle_period_ms: throttle?.periodMs ?? null,
    queue_limit: queue?.limit ?? null,
    queue_policy: queue?.policy ?? null,
  };
}

/** A schedule that begins at `now`: new, changed, or switched on again. It makes up for nothing before. */
export function scheduleFrom(
  schedule: string | null,
  now: number,
): Pick<ServicesTable, "schedule_since" | "schedule_next"> {
  if (schedule === null) return { schedule_since: null, schedule_next: null };
  return { schedule_since: now, schedule_next: nextTime(scheduleOf(schedule), now) ?? null };
}

/** Reads the column `schedule`. */
export function scheduleOf(text: string): Schedule {
  const [cron, timezone] = JSON.parse(text) as [string, string];
  return { cron, timezone };
}
