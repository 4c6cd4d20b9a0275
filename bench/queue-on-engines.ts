import { chmodSync } from "node:fs";
import type { Bench } from "./support/bench.ts";
import {
  idleMs,
  lastSequence,
  noopExecutor,
  noopFiles,
  processorEach,
  progressSince,
  sendEvents,
  spenders,
  spentCells,
  untilCompleted,
  untilResting,
} from "./support/engine-runs.ts";
import { eachSince, written } from "./support/engine-storage.ts";
import { BenchInstallation } from "./support/installation.ts";
import { type Figures, interleaved, median, ratio } from "./support/rounds.ts";
import { withTempDir } from "./support/temp-dir.ts";
import { until } from "./support/until.ts";

const defaultRuns = 10_000;
const slots = 16;
const type = "bench.noop.queued";
const routedWithinMs = 600_000;

/** What a run leaves behind, from its event on. */
const stores = {
  catalogBytes: "bytes of PostgreSQL each",
  bodyBytes: "- of its event's body",
  catalogLogBytes: "- of its log",
  catalogRows: "rows written",
  busBytes: "bytes of Kafka",
  outputBytes: "bytes of output in OpenSearch",
  historyBytes: "- of events and history",
};

/** Runs of one service that wait when the executors come: do they end quickly, and does memory stay where it is? */
export const queueOnEngines: Bench = {
  name: "queue-on-engines",
  title: "Queued runs of one service on Kafka and PostgreSQL",
  run: ({ rounds, note, runs = defaultRuns }) =>
    withTempDir(async (directory) => {
      chmodSync(directory, 0o711);
      const installation = await BenchInstallation.open(directory, { FX_EXECUTOR_SLOTS: `${slots}` }, note);
      try {
        for (const role of ["manager", "router", "sink"]) await installation.start(role);
        await installation.process("manager").deploy("noop", noopFiles(type));
        const measured = await interleaved(
          [1, 2].map((executors) => ({
            name: executors === 1 ? "1 executor" : `${executors} executors`,
            measure: () => measure(installation, executors, runs),
          })),
          rounds,
          note,
        );
        const [one] = measured;
        if (!one) throw new Error("nothing was measured");
        return {
          title: `${queueOnEngines.title}: ${runs.toLocaleString("en")} runs, ${slots} slots an executor`,
          columns: [
            "",
            "seconds",
            "executions/s",
            "of one executor",
            "MB of an executor in the second fifth",
            "- in the last",
            ...Object.values(spenders),
            ...Object.values(stores),
          ],
          rows: measured.map((each) => {
            const { seconds = 0, perSecond = 0, early = 0, late = 0 } = each.median;
            const speed = [seconds, perSecond, ratio(each, one, "perSecond"), early, late];
            const left = Object.keys(stores).map((name) => each.median[name] ?? 0);
            return [each.name, ...speed, ...spentCells(each.median), ...left];
          }),
          figures: { "1 executor": one.median },
          remarks: [
            "Scripts that do nothing. From the first claim until the last execution is completed. Memory is resident, of the executor's own process; in the first fifth it is still growing to what it needs. Processor time without what routed the runs and without what all take at rest, but with the start of the executors.",
          ],
        };
      } finally {
        await installation.close();
      }
    }),
};

async function measure(installation: BenchInstallation, executors: number, runs: number): Promise<Figures> {
  const sequence = await lastSequence(installation);
  const before = await written(installation);
  await sendEvents(installation.process("manager"), type, runs);
  await until(
    async () => (await progressSince(installation, sequence)).routed === runs || undefined,
    200,
    routedWithinMs,
  );
  await untilResting(installation);
  const idle = await idleMs(installation);
  const names = Array.from({ length: executors }, (_, n) => `executor-${n + 1}`);
  const [spentSince, spentBefore] = [performance.now(), installation.processorMs()];
  await Promise.all(names.map((name) => installation.start(name, noopExecutor)));
  const memory: number[] = [];
  const { began, over } = await untilCompleted(installation, sequence, runs, () => {
    const own = names.flatMap((name) => installation.process(name).memory());
    memory.push(Math.max(...own.filter(({ command }) => command === "noop-executor.ts").map((one) => one.megabytes)));
  });
  await untilResting(installation);
  const spent = processorEach(installation, spentBefore, runs, {
    idle,
    seconds: (performance.now() - spentSince) / 1000,
  });
  await installation.stop(...names);
  const left = eachSince(before, await written(installation), runs);
  const fifth = Math.ceil(memory.length / 5);
  return {
    seconds: (over - began) / 1000,
    perSecond: (runs / (over - began)) * 1000,
    early: median(memory.slice(fifth, 2 * fifth)),
    late: median(memory.slice(-fifth)),
    ...spent,
    ...left,
  };
}
