import type { GroupPosition } from "../../bus/bus.ts";
import { alertGroup, eventTypeGroup, historyGroup, logGroup, routerGroup } from "../../events/consumer-groups.ts";
import { topics } from "../../events/topics.ts";
import { sleep } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { Stores } from "../compose.ts";
import type { PartsOptions } from "../part.ts";
import { createParts } from "../parts.ts";

const lookMs = 50;
/** Between two settlings of alerts. */
const alertsEveryMs = 500;
/** Without any step ahead. */
const stalledMs = 60_000;
/** A part that ends may write what another has to read. */
const mostRounds = 5;

/**
 * Routes and records what a backbone has accepted and nobody has read yet, as the platform's own start would, and runs
 * nothing. Its events are decided where their repeats are known, and nothing of them has to be sent to another
 * backbone, which would have to tell the decided from the others without their offsets (rules D1, D2, D13). Throws
 * `unavailable` where it does not get on.
 */
export async function finishSource(options: PartsOptions): Promise<void> {
  const { settings, stores } = options;
  const soon = { ...settings, alerts: { ...settings.alerts, everyMs: alertsEveryMs } };
  for (let round = 1; (await unread(stores)).length > 0; round += 1) {
    if (round > mostRounds) throw stalled(await unread(stores));
    const parts = createParts({ ...options, settings: soon }, ["router", "sink"], undefined);
    try {
      await parts.start();
      await allRead(options);
    } finally {
      await parts.stop(0);
    }
  }
}

interface Unread {
  /** Of records, or of events that the catalog has to send. */
  what: string;
  count: number;
}

interface Reader {
  group: string;
  read: readonly string[];
  /** Where the catalog knows better than the backbone. */
  known?: readonly GroupPosition[];
}

async function allRead({ stores, clock }: PartsOptions): Promise<void> {
  let least = Number.POSITIVE_INFINITY;
  let steppedAt = clock.monotonic();
  for (;;) {
    const left = await unread(stores);
    if (left.length === 0) return;
    const count = left.reduce((sum, each) => sum + each.count, 0);
    if (count < least) [least, steppedAt] = [count, clock.monotonic()];
    if (clock.monotonic() - steppedAt > stalledMs) throw stalled(left);
    await sleep(clock, lookMs);
  }
}

async function unread({ bus, catalog }: Stores): Promise<Unread[]> {
  const events = [topics.events, topics.platform];
  const rules = (await catalog.alerts.rules.watched()).rules.length;
  const readers: Reader[] = [
    { group: routerGroup, read: events, known: await catalog.routing.positions() },
    { group: logGroup, read: [topics.logs] },
    { group: historyGroup, read: events },
    { group: eventTypeGroup, read: events },
    // Without rules nobody reads for them.
    { group: alertGroup, read: rules === 0 ? [] : [...events, topics.logs], known: await catalog.alerts.positions() },
  ];
  const left: Unread[] = [{ what: "unsent events", count: (await catalog.outbox.peek(1000)).length }];
  for (const { group, read, known } of readers) {
    for (const topic of read) {
      const positions = known ?? (await bus.committed(group, topic));
      const reached = new Map(positions.filter((own) => own.topic === topic).map((own) => [own.partition, own.offset]));
      let count = 0;
      for (const { partition, earliest, next } of await bus.offsets(topic)) {
        count += Math.max(0, next - Math.max(earliest, reached.get(partition) ?? 0));
      }
      left.push({ what: `records of ${topic} for ${group}`, count });
    }
  }
  return left.filter(({ count }) => count > 0);
}

function stalled(left: readonly Unread[]): PlatformError {
  const text = left.map(({ what, count }) => `${count} ${what}`).join(", ");
  return new PlatformError(
    "unavailable",
    `what the installation has accepted cannot be finished: ${text} are left. Start it once more, see what it says, and copy it then`,
  );
}
