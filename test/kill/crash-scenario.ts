import type { RunRequest } from "../../src/catalog/run-requests.ts";
import { encodeRecord } from "../../src/events/bus-binding.ts";
import type { CloudEvent } from "../../src/events/cloud-event.ts";
import { eventKeyOf } from "../../src/events/event-key.ts";
import { runRequestedEvent } from "../../src/events/platform-events.ts";
import { topics } from "../../src/events/topics.ts";
import type { ExecutionId, VersionId } from "../../src/foundation/ids.ts";
import { manifestSchema } from "../../src/services/manifest.ts";
import { call } from "../simulation/faulty-port.ts";
import { checkAtRest } from "../simulation/invariants.ts";
import { calmOptions } from "../simulation/options.ts";
import type { Instruction } from "../simulation/programs.ts";
import { maxSteps, rest } from "../simulation/rest.ts";
import { Domain } from "../simulation/scheduler.ts";
import type { Told } from "../simulation/workload.ts";
import { World } from "../simulation/world.ts";

export type Moment = "before" | "after";

export interface CrashReport {
  /** Storage calls that the scenario makes. */
  calls: number;
  /** The call at which the platform was killed; undefined when there is no such call. */
  killedAt: string | undefined;
  violations: string[];
  /** Executions by service and status. */
  executions: Record<string, number>;
}

const process = "process-1";
const eventCount = 3;
const serviceNames = ["first", "second", "third"] as const;

/** A chain of three services: each event of the first makes one run of each. */
export const expectedExecutions = {
  "first completed": eventCount,
  "second completed": eventCount,
  "third completed": eventCount + 1,
};

const programs: Record<(typeof serviceNames)[number], Instruction[]> = {
  first: [
    { do: "print", text: "a line" },
    { do: "emit", type: "chain.second", data: { n: 1 }, awaited: true, differs: false },
    { do: "put", key: "last", awaited: true },
  ],
  second: [
    { do: "fail", untilAttempt: 1 },
    { do: "emit", type: "chain.third", data: { n: 1 }, awaited: false, differs: false },
  ],
  third: [
    { do: "work", ms: 300 },
    { do: "log", text: "the end" },
  ],
};

/** Plays the scenario; kills the whole platform at its n-th storage call, starts it again, and lets it come to rest. */
export async function playWithCrash(n: number, moment: Moment): Promise<CrashReport> {
  const world = await World.create(
    calmOptions(1, { pollMs: 1000, leaseMs: 5000, leaseMarginMs: 1000, slots: 2, batchSize: 10, partitions: 2 }),
  );
  const told: Told = { acknowledged: new Set(), refused: new Set(), runs: new Map(), removedLinks: new Set() };
  const report: CrashReport = { calls: 0, killedAt: undefined, violations: world.history.violations, executions: {} };
  try {
    await deployChain(world);
    world.onCall = (at, _domain, name) => {
      if (at !== moment) return;
      report.calls += 1;
      if (report.calls !== n) return;
      report.killedAt = name;
      void crash(world);
    };
    world.start(process);
    const sent = sendAll(world, told);
    let allSent = false;
    void sent.then(() => {
      allSent = true;
    });
    await world.scheduler.run(() => allSent, 60_000, maxSteps);
    if (!allSent) world.history.violate("liveness", "a client was never answered");
    await rest(world, `after a kill ${moment} call ${n}, ${report.killedAt}`);
    // What the scenario itself does ends here: the next start and the reading are not part of it.
    world.onCall = undefined;
    await world.restartServer();
    await rest(world, "after another start");
    await checkAtRest(world, told);
    const { items } = await world.drivers.catalog.executions.list({}, { limit: 1000 });
    for (const { service, status } of items) {
      const name = `${service} ${status}`;
      report.executions[name] = (report.executions[name] ?? 0) + 1;
    }
    return report;
  } finally {
    world.close();
  }
}

async function deployChain(world: World): Promise<void> {
  for (const name of serviceNames) {
    const id = `version-${name}` as VersionId;
    const script = "main.py";
    const manifest = manifestSchema.parse({
      trigger_events: [`chain.${name}`],
      timeout: 60,
      retries: name === "second" ? { count: 1, delay: 0.5, max_delay: 1 } : 0,
      ...(name === "third" ? { concurrency_key: '"one"' } : {}),
    });
    const version = { id, project: "default", name, manifest, scripts: [script], files: [], warnings: [] };
    world.programs.set(`${id}/${script}`, { instructions: programs[name] });
    world.versions.set(id, version);
    await world.drivers.catalog.services.deploy(version);
  }
}

/** The platform and what holds its disk die together, as one process does. */
async function crash(world: World): Promise<void> {
  world.kill(process);
  await world.restartServer();
  await world.scheduler.sleep(new Domain("supervisor"), 100);
  world.start(process);
}

async function sendAll(world: World, told: Told): Promise<void> {
  const events = Array.from({ length: eventCount }, (_, n): CloudEvent => {
    return { specversion: "1.0", id: `e${n}`, source: "/outside", type: "chain.first", data: { n } };
  });
  const run = runRequestedEvent({
    project: "default",
    service: "third",
    id: "idempotent",
    correlationId: "by-hand",
    data: {},
    now: world.databaseNow(),
  });
  const request: RunRequest = {
    id: "019b76da-0000-7000-8000-000000000000" as ExecutionId,
    key: eventKeyOf(run),
    event: run,
    trigger: "manual",
    project: "default",
    service: "third",
    version: "version-third" as VersionId,
    priority: 5,
    concurrencyKey: "default/third:one",
  };
  await Promise.all([
    ...events.map(async (event) => {
      await untilAnswered(world, () => world.drivers.bus.publish([encodeRecord(topics.events, event)]));
      told.acknowledged.add(eventKeyOf(event));
    }),
    untilAnswered(world, async () => {
      const { executionId } = await world.drivers.catalog.runRequests.request(request);
      told.runs.set(request.key, executionId);
      world.drivers.bus.signal("dispatch");
    }),
  ]);
}

/** A client that asks again when its connection broke: the same request, so that a repeat changes nothing. */
async function untilAnswered<Answer>(world: World, work: () => Promise<Answer>): Promise<Answer> {
  const client = new Domain("client");
  for (;;) {
    const unanswered = Symbol();
    const patience = world.scheduler.sleep(client, 2000).then(() => unanswered);
    try {
      const answer = await Promise.race([call(world.faults, client, "client", work), patience]);
      if (answer !== unanswered) return answer as Answer;
    } catch {
      await patience;
    }
  }
}
