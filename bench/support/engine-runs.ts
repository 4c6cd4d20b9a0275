import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { BenchInstallation } from "./installation.ts";
import type { BenchPlatform } from "./platform.ts";
import type { Figures } from "./rounds.ts";
import { sampleEvent } from "./sample-event.ts";
import { until } from "./until.ts";

const eventsARequest = 500;
const lookMs = 100;
/** So long that hundredths of a second count little. */
const idleWindowMs = 4000;
/** What is not done by then, on whatever machine, hangs. */
const endMs = 600_000;
/** Nobody has work left where all together take less of a processor than this. */
const restingShare = 0.15;

/** What starts the executor of contenders/noop-executor.ts. */
export const noopExecutor = [process.execPath, path.join(import.meta.dirname, "../contenders/noop-executor.ts")];

export const noopFiles = (type: string) => ({
  "manifest.json": JSON.stringify({ entrypoint: "main.py", trigger_events: [type] }),
  "main.py": 'print("first line")\n',
});

/** Sends so many events of 500 bytes, a flow each. */
export async function sendEvents(manager: BenchPlatform, type: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent += eventsARequest) {
    const size = Math.min(eventsARequest, count - sent);
    await manager.send(Array.from({ length: size }, () => ({ ...sampleEvent(type) })));
  }
}

/** Of executions after a number of the catalog's. */
export interface Progress {
  routed: number;
  ended: number;
  completed: number;
  /** Milliseconds since the epoch; of the first claim and the last end. */
  began: number;
  over: number;
}

export async function lastSequence({ catalog }: BenchInstallation): Promise<number> {
  const { rows } = await catalog.query("select coalesce(max(seq), 0) as last from executions");
  return Number(rows[0].last);
}

export async function progressSince({ catalog }: BenchInstallation, sequence: number): Promise<Progress> {
  const { rows } = await catalog.query(
    `select count(*) as routed, count(finished_at) as ended, count(*) filter (where status = 'completed') as completed,
      min(started_at) as began, max(finished_at) as over from executions where seq > $1`,
    [sequence],
  );
  return Object.fromEntries(
    Object.entries(rows[0]).map(([name, value]) => [name, Number(value)]),
  ) as unknown as Progress;
}

/** Resolves when so many executions have completed; throws where one ended otherwise. */
export async function untilCompleted(
  installation: BenchInstallation,
  sequence: number,
  count: number,
  look: () => void = () => {},
): Promise<Progress> {
  const progress = await until(
    async () => {
      look();
      const now = await progressSince(installation, sequence);
      return now.ended >= count ? now : undefined;
    },
    lookMs,
    endMs,
  );
  if (progress.completed !== count) throw new Error(`${progress.completed} of ${count} executions completed`);
  return progress;
}

/** Resolves when what follows from the runs is done, too: their events sent and routed, output and history stored. */
export async function untilResting(installation: BenchInstallation): Promise<void> {
  const total = () => [...installation.processorMs().values()].reduce((sum, ms) => sum + ms, 0);
  let before = total();
  await until(
    async () => {
      await pause(500);
      const now = total();
      const resting = (now - before) / 500 < restingShare;
      before = now;
      return resting || undefined;
    },
    0,
    endMs,
  );
}

/** Milliseconds of a processor a second, by role and engine, while there is nothing to do. */
export async function idleMs(installation: BenchInstallation): Promise<Map<string, number>> {
  const [began, before] = [performance.now(), installation.processorMs()];
  await pause(idleWindowMs);
  const seconds = (performance.now() - began) / 1000;
  return new Map([...installation.processorMs()].map(([name, ms]) => [name, (ms - (before.get(name) ?? 0)) / seconds]));
}

/**
 * By role and engine, the processor time that each of `count` took since `before`, and all together; without `idle`, what they take
 * in any case for so many seconds.
 */
export function processorEach(
  installation: BenchInstallation,
  before: Map<string, number>,
  count: number,
  { idle, seconds }: { idle: Map<string, number>; seconds: number },
): Figures {
  const figures: Figures = {};
  let all = 0;
  for (const [name, ms] of installation.processorMs()) {
    const each = Math.max(0, ms - (before.get(name) ?? 0) - (idle.get(name) ?? 0) * seconds) / count;
    figures[name] = each;
    all += each;
  }
  return { ...figures, all };
}

/** Columns and cells of processor time by who took it. */
export const spenders = {
  all: "ms of a processor each",
  manager: "manager",
  router: "router",
  executor: "executors",
  sink: "sink",
  kafka: "Kafka",
  postgres: "PostgreSQL",
  opensearch: "OpenSearch",
} as const;

export function spentCells(figures: Figures): number[] {
  return Object.keys(spenders).map((name) => figures[name] ?? 0);
}
