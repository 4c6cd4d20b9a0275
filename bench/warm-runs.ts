import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { ProcessStepRunner } from "../src/executor/process-step-runner.ts";
import type { StepHost, StepRequest } from "../src/executor/step-runner.ts";
import { systemClock } from "../src/foundation/clock.ts";
import type { ExecutionId, VersionId } from "../src/foundation/ids.ts";
import { silentLog } from "../src/foundation/log.ts";
import { systemRandom } from "../src/foundation/random.ts";
import { noLimits } from "../src/services/run-limits.ts";
import type { Bench } from "./support/bench.ts";
import { interleaved } from "./support/rounds.ts";
import { withTempDir } from "./support/temp-dir.ts";

/** Five rounds of them are fewer than a process runs before it is replaced. */
const runsPerRound = 1900;
const firstUid = 62_000;

const scripts = [
  { name: "Python", file: "main.py", runtime: undefined, source: "import os\nprint(os.getpid())\n" },
  { name: "TypeScript on Bun", file: "main.ts", runtime: "bun", source: "console.log(process.pid);\n" },
  { name: "TypeScript on Node", file: "main.ts", runtime: "node", source: "console.log(process.pid);\n" },
] as const;

/** Runs in warm processes, one after the other, by the step runner alone: what a run costs beside all that makes it durable. */
export const warmRuns: Bench = {
  name: "warm-runs",
  title: "Warm runs, one after the other, without the durable path",
  run: ({ rounds, note }) =>
    withTempDir(async (directory) => {
      const runner = await ProcessStepRunner.open({
        dataDirectory: directory,
        slots: 1,
        reliefSlots: 0,
        warmProcesses: scripts.length,
        aheadProcesses: 0,
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
        firstUid,
        searchPath: process.env.PATH,
      });
      try {
        const contenders = scripts.map(({ name, file, runtime, source }) => {
          const version = runner.runRoot.versionDirectory(name.toLowerCase().replaceAll(" ", "-") as VersionId);
          mkdirSync(version, { recursive: true });
          writeFileSync(path.join(version, file), source);
          return { name, measure: () => measure(runner, requestOf(version, file, runtime)) };
        });
        const measured = await interleaved(contenders, rounds, note);
        return {
          title: warmRuns.title,
          columns: ["", "runs/s", "executor, µs of a processor", "process, µs of a processor"],
          rows: measured.map(({ name, median }) => [
            name,
            median.perSecond ?? 0,
            median.executorMicros ?? 0,
            median.processMicros ?? 0,
          ]),
          remarks: ["The script prints one line. The executor's part includes reading it."],
        };
      } finally {
        await runner.close();
      }
    }),
};

async function measure(runner: ProcessStepRunner, request: StepRequest) {
  const pid = await settled(runner, request);
  const before = { own: process.cpuUsage(), process: processorMicros(pid), at: performance.now() };
  for (let run = 0; run < runsPerRound; run += 1) await printed(runner, request);
  const elapsedMs = performance.now() - before.at;
  const own = process.cpuUsage(before.own);
  return {
    perSecond: (runsPerRound / elapsedMs) * 1000,
    executorMicros: (own.user + own.system) / runsPerRound,
    processMicros: (processorMicros(pid) - before.process) / runsPerRound,
  };
}

/** The process that stays. Runs that come before there is one to fork from have a process each. */
async function settled(runner: ProcessStepRunner, request: StepRequest): Promise<number> {
  let pid = "";
  for (let run = 0; run < runsPerRound; run += 1) {
    const next = await printed(runner, request);
    if (next === pid) return Number(pid);
    pid = next;
  }
  throw new Error("each run has had a process of its own: none is warm here");
}

async function printed(runner: ProcessStepRunner, request: StepRequest): Promise<string> {
  let text = "";
  const host: StepHost = {
    output: ({ bytes }) => {
      text += Buffer.from(bytes).toString();
    },
    log() {},
    emit: async () => ({ id: "e" }),
    getState: async () => ({}),
    async putState() {},
    getSecret: async () => undefined,
    async setSecret() {},
    retryLater: async () => ({ jobId: "j", at: 0 }),
    setResult() {},
  };
  const result = await runner.run(request, host).result;
  if (result.kind !== "exited" || result.exitCode !== 0) throw new Error(`${JSON.stringify(result)}: ${text}`);
  return text;
}

function requestOf(directory: string, script: string, runtime: StepRequest["runtime"]): StepRequest {
  const executionId = "0198c0de-0000-7000-8000-000000000001" as ExecutionId;
  return {
    executionId,
    attempt: 1,
    step: 1,
    slot: 0,
    directory,
    script,
    runtime,
    timeoutMs: 20_000,
    ttlMs: 25_000,
    outputCapBytes: 1_000_000,
    limits: noLimits,
    isolation: { level: "warm", network: false },
    context: {
      event: { specversion: "1.0", id: "e1", source: "/bench", type: "bench.run", data: {} },
      params: {},
      service: { project: "default", name: "bench", version: "v" },
      execution: { id: executionId, attempt: 1, step: 1, script, replay: false, original: null },
      config: {},
      previous: null,
    },
  };
}

/** User and system time so far, to 10 ms. */
function processorMicros(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}
