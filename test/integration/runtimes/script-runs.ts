import { chmodSync, mkdirSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LauncherClient } from "../../../src/executor/launcher/launcher-client.ts";
import { ProcessStepRunner } from "../../../src/executor/process-step-runner.ts";
import type {
  EmitRequest,
  RunningStep,
  ScriptLog,
  StepHost,
  StepRequest,
  StepResult,
} from "../../../src/executor/step-runner.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import type { ExecutionId, VersionId } from "../../../src/foundation/ids.ts";
import type { Json, JsonObject } from "../../../src/foundation/json.ts";
import { silentLog } from "../../../src/foundation/log.ts";
import { systemRandom } from "../../../src/foundation/random.ts";
import { noLimits } from "../../../src/services/run-limits.ts";
import { eventually } from "../../support/eventually.ts";

export const capBytes = 10 * 1024 * 1024;

/** Ready; whoever starts it closes it. */
export async function startLauncher(): Promise<LauncherClient> {
  const launcher = new LauncherClient({ clock: systemClock, log: silentLog });
  await launcher.ready();
  return launcher;
}

/** As the platform makes it: others may pass through, so that scripts' files can lie inside. */
export async function openRunner(
  dataDirectory: string,
  fork: "auto" | "off" = "auto",
  cgroup = "auto",
  aheadProcesses = 4,
): Promise<ProcessStepRunner> {
  chmodSync(dataDirectory, 0o711);
  const runner = await ProcessStepRunner.open({
    dataDirectory,
    slots: 4,
    reliefSlots: 0,
    warmProcesses: 4,
    aheadProcesses,
    fork,
    cgroup,
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    isolation: "auto",
    searchPath: process.env.PATH,
  });
  await warm(runner);
  return runner;
}

/** Resolves when scripts in Python are forked: until then they are started cold. */
export async function warm({ runtimes, zygotes }: ProcessStepRunner): Promise<void> {
  const python = await runtimes.forScript("main.py")?.probe();
  if (!python?.available || !zygotes) return;
  const zygote = zygotes.of(python.command);
  await eventually(() => zygote?.isReady);
}

export interface ScriptRun {
  /** The unpacked version. */
  directory: string;
  step: RunningStep;
  result: Promise<StepResult>;
  emitted: EmitRequest[];
  logged: ScriptLog[];
  state: JsonObject;
  /** What the script printed until now. */
  stdout(): string;
  stderr(): string;
  both(): string;
  bytes(): Buffer;
  /** Waits for a match in stdout and gives its first group. */
  waitFor(pattern: RegExp): Promise<string>;
}

let versions = 0;

function layVersion(runner: Pick<ProcessStepRunner, "runRoot">, files: Record<string, string>): string {
  versions += 1;
  const directory = runner.runRoot.versionDirectory(`v${process.pid}-${versions}` as VersionId);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
  return directory;
}

export interface ScriptOptions {
  params?: JsonObject;
  config?: JsonObject;
  previous?: Json;
  service?: string;
  host?: Partial<StepHost>;
  /** It is a replay of the execution of this id. */
  replayOf?: string | undefined;
  request?: Partial<StepRequest>;
}

/** Writes `files` as a service version and runs one of them; with `directory`, one that was written before. */
export function runScript(
  runner: Pick<ProcessStepRunner, "run" | "runRoot">,
  files: Record<string, string>,
  script: string,
  options: ScriptOptions = {},
  directory = layVersion(runner, files),
): ScriptRun {
  const chunks: { stream: string; bytes: Uint8Array }[] = [];
  const emitted: EmitRequest[] = [];
  const logged: ScriptLog[] = [];
  const state: JsonObject = {};
  const host: StepHost = {
    output: (chunk) => void chunks.push(chunk),
    log: (record) => void logged.push(record),
    async emit(request) {
      emitted.push(request);
      return { id: request.id ?? `derived-${emitted.length}` };
    },
    getState: async () => ({ ...state }),
    async putState(key, value) {
      state[key] = value;
    },
    getSecret: async () => undefined,
    async setSecret() {},
    retryLater: async () => ({ jobId: "job-1", at: 0 }),
    setResult() {},
    ...options.host,
  };
  const step = runner.run(requestOf(directory, script, options), host);
  const text = (stream?: string) =>
    Buffer.concat(chunks.filter((chunk) => !stream || chunk.stream === stream).map((chunk) => chunk.bytes));
  return {
    directory,
    step,
    result: step.result,
    emitted,
    logged,
    state,
    stdout: () => text("stdout").toString(),
    stderr: () => text("stderr").toString(),
    both: () => text().toString(),
    bytes: () => text("stdout"),
    waitFor: (pattern) => eventually(() => pattern.exec(text("stdout").toString())?.[1]),
  };
}

/** As `runScript`, in a process that was started before and waits. */
export async function runScriptAhead(
  runner: Pick<ProcessStepRunner, "run" | "runRoot" | "ahead">,
  files: Record<string, string>,
  script: string,
  options: ScriptOptions = {},
  directory = layVersion(runner, files),
): Promise<ScriptRun> {
  const request = requestOf(directory, script, options);
  // Twice, as for a script that runs all the time: it gets a place before those that ran once.
  runner.ahead.want(request);
  runner.ahead.want(request);
  await eventually(() => runner.ahead.waits(request));
  return runScript(runner, files, script, options, directory);
}

function requestOf(directory: string, script: string, options: ScriptOptions): StepRequest {
  const id = "0198c0de-0000-7000-8000-000000000001" as ExecutionId;
  const params = options.params ?? {};
  const original = (options.replayOf ?? null) as ExecutionId | null;
  const replay = original !== null;
  return {
    executionId: id,
    attempt: 1,
    step: 1,
    slot: 0,
    directory,
    script,
    timeoutMs: 20_000,
    ttlMs: 25_000,
    outputCapBytes: capBytes,
    limits: noLimits,
    isolation: { level: "process", network: false },
    isReplay: replay,
    context: {
      event: { specversion: "1.0", id: "e1", source: "/test", type: "test.happened", data: params },
      params,
      service: { project: "shop", name: options.service ?? "orders", version: "v1" },
      execution: { id, attempt: 1, step: 1, script, replay, original },
      config: options.config ?? {},
      previous: options.previous ?? null,
    },
    ...options.request,
  };
}

/** Whether a process lives; one that ended and was not collected yet does not, unless only its first thread ended. */
export async function isAlive(pid: number): Promise<boolean> {
  const { readFile } = await import("node:fs/promises");
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "State:\tX");
  return !/^State:\s+[ZX]/m.test(status) || /^Threads:\s+(?:[2-9]|\d{2})/m.test(status);
}

/** Processes that stand in the directory of a version. */
export function processesIn(directory: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && standsIn(name, directory))
    .map(Number);
}

function standsIn(pid: string, directory: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) === directory;
  } catch {
    return false;
  }
}
