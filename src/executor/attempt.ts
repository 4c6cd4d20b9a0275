import type { Bus } from "../bus/bus.ts";
import type { JobStore } from "../catalog/jobs.ts";
import type { AttemptReport, ClaimedExecution, LeaseStore, ServiceName } from "../catalog/leases.ts";
import type { ServiceStore } from "../catalog/services.ts";
import type { StateStore } from "../config-store/state-store.ts";
import { secretWarning } from "../config-store/vault.ts";
import type { CloudEvent } from "../events/cloud-event.ts";
import { paramsOf } from "../events/event-params.ts";
import { backoffDelayMs } from "../executions/backoff.ts";
import type { ExecutionError, Step } from "../executions/execution.ts";
import { assertNever } from "../foundation/assert.ts";
import type { Clock } from "../foundation/clock.ts";
import { isPlatformError, messageOf } from "../foundation/errors.ts";
import { InOrder } from "../foundation/in-order.ts";
import type { Json, JsonObject } from "../foundation/json.ts";
import type { Random } from "../foundation/random.ts";
import { elsewhereOf } from "../services/elsewhere.ts";
import { type IsolationLevel, type Manifest, retriesOf } from "../services/manifest.ts";
import { limitsOf, type RunLimits } from "../services/run-limits.ts";
import { CapturedEffects } from "./captured-effects.ts";
import { type Effects, requireSmallResult } from "./effects.ts";
import { Emitter } from "./emitter.ts";
import type { Environment } from "./environments/environment.ts";
import type { Gathering } from "./gathering.ts";
import { LiveEffects } from "./live-effects.ts";
import { LogWriter } from "./log-writer.ts";
import type { Outages } from "./outages.ts";
import { OutputPreview } from "./output-preview.ts";
import { Patience } from "./patience.ts";
import { StepRedaction } from "./redaction/step-redaction.ts";
import { RunSecrets } from "./run-secrets.ts";
import type { ServiceConfiguration } from "./service-configuration.ts";
import type { ServiceSecrets } from "./service-secrets.ts";
import type { ServiceUse } from "./service-use.ts";
import { failureOf } from "./step-failure.ts";
import type { RunningStep, StepHost, StepResult, StepRunner } from "./step-runner.ts";
import type { OpenedVersion, VersionSource } from "./version-source.ts";

export interface AttemptParts {
  bus: Bus;
  leases: LeaseStore;
  jobs: JobStore;
  state: StateStore;
  configuration: ServiceConfiguration;
  secrets: ServiceSecrets;
  services: Pick<ServiceStore, "get">;
  runner: StepRunner;
  versions: VersionSource;
  clock: Clock;
  random: Random;
  outputCapBytes: number;
  /** What no run may pass, whatever its manifest says. */
  caps: RunLimits;
  /** Of services whose manifest names none. */
  level: IsolationLevel;
  /** Is told how long each step took. */
  use: ServiceUse;
  leaseMs: number;
  /** Between SIGTERM and SIGKILL. */
  killGraceMs: number;
  outages: Outages;
  /** What runs have written goes to the backbone in these. */
  outputs: Gathering;
}

export type StopReason = "cancelled" | "lease-lost" | "shutdown";

/** Steps shorter than this are recorded only when they end: one write for a run instead of two. */
const announceStepAfterMs = 250;

/** One attempt at an execution: its scripts in order, until the first that fails. */
export class Attempt {
  readonly #parts: AttemptParts;
  readonly #claimed: ClaimedExecution;
  /** Once it runs. */
  #slot = 0;
  readonly #steps: Step[] = [];
  readonly #log: LogWriter;
  readonly #logging = new InOrder();
  readonly #secrets: RunSecrets;
  #isLimited = false;
  #running: RunningStep | undefined;
  #stopped: StopReason | undefined;
  readonly #stopping = new AbortController();
  readonly #patience: Patience;
  #effects: Effects | undefined;
  /** Of a replay: the same as `#effects`. */
  #captured: CapturedEffects | undefined;
  /** What the latest step that offered a result offered. */
  #previous: Json = null;
  /** Why something that a script sent is not known to be durable. */
  #undelivered: unknown;
  /** By the monotonic clock: when the launcher may kill. */
  #aliveUntil: number;

  constructor(parts: AttemptParts, claimed: ClaimedExecution, aliveUntil: number) {
    this.#parts = parts;
    this.#claimed = claimed;
    this.#aliveUntil = aliveUntil;
    this.#patience = new Patience({
      clock: parts.clock,
      outages: parts.outages,
      stopping: this.#stopping.signal,
      // Before there are effects there is only reading, and a lease that seems over may be renewed yet.
      mayGoOn: () => this.#effects === undefined || this.#ttlMs() > 0,
    });
    const { insist } = this.#patience;
    const { id, project, service, correlationId, attempt } = claimed.execution;
    const outputs = { join: () => parts.outputs.join({ hurries: this.isAwaited }) };
    this.#log = new LogWriter(
      { bus: parts.bus, insist, outputs },
      { executionId: id, project, service, correlationId, attempt },
    );
    this.#secrets = new RunSecrets({ ...parts, insist }, claimed.execution, this.lease);
  }

  get lease() {
    const { id, lease } = this.#claimed.execution;
    return { id, token: lease.token };
  }

  get service(): ServiceName {
    const { project, service } = this.#claimed.execution;
    return { project, service };
  }

  /** Its end is what others wait for: the next of its key, or of a service that runs so many at once. Known once it runs. */
  get isAwaited(): boolean {
    return this.#claimed.execution.concurrencyKey !== undefined || this.#isLimited;
  }

  /** The lease was extended: running scripts may live until then. */
  keepAlive(aliveUntil: number): void {
    this.#aliveUntil = aliveUntil;
    this.#running?.keepAlive(this.#ttlMs());
  }

  /** Whether the lease may still last by the catalog's clock, which gives `marginMs` more than ours. */
  isHeld(marginMs: number): boolean {
    return this.#stopped !== "lease-lost" && this.#parts.clock.monotonic() < this.#aliveUntil + marginMs;
  }

  stop(reason: StopReason): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#stopping.abort();
    this.#running?.stop(reason, this.#parts.killGraceMs);
  }

  /**
   * Runs to the end, in a slot that is its own until `ranOut` is called, once its last script is gone. Undefined when the lease was
   * lost: there is nothing to report then.
   */
  async run(slot: number, ranOut: () => void): Promise<AttemptReport | undefined> {
    this.#slot = slot;
    const outcome = await this.#outcome();
    // Before the slot is another's.
    if (this.#captured) await this.#parts.runner.forgetReplay?.(slot).catch(() => {});
    ranOut();
    if (outcome === undefined) return undefined;
    const unsent = await this.#unsent();
    if (unsent === undefined || outcome.kind === "cancelled") return this.#report(outcome);
    const stopped = this.#stopped === undefined ? lost(unsent) : this.#afterStop(this.#stopped, undefined);
    return stopped && this.#report(stopped);
  }

  /** Whatever the script made of it: an outcome stands for all that the run sent and wrote (rule D9). */
  async #unsent(): Promise<string | undefined> {
    try {
      await this.#log.flush();
    } catch (error) {
      return `its output could not be stored: ${messageOf(error)}`;
    }
    if (this.#undelivered === undefined) return undefined;
    return `something it sent could not be stored: ${messageOf(this.#undelivered)}`;
  }

  #report(outcome: AttemptReport["outcome"]): AttemptReport {
    return { ...this.lease, steps: this.#steps, captured: this.#captured?.captured, outcome };
  }

  async #outcome(): Promise<AttemptReport["outcome"] | undefined> {
    const { execution } = this.#claimed;
    let opened: OpenedVersion;
    let config: JsonObject;
    try {
      // A store that is away is waited for: given back, the attempt would count as lost, and its third loss is the end (rule D7).
      opened = await this.#patience.insist(() => this.#parts.versions.open(execution.version));
      this.#isLimited = opened.manifest.concurrency !== undefined;
      config = await this.#patience.insist(() => this.#parts.configuration.of(execution));
      await this.#secrets.matcher();
    } catch (error) {
      if (this.#stopped !== undefined) return this.#afterStop(this.#stopped, undefined);
      const message = `what it needs could not be opened: ${messageOf(error)}`;
      if (isPlatformError(error) && error.retryable) return lost(message);
      return {
        kind: "failed",
        error: { kind: "start", message, script: undefined, exitCode: undefined },
        retryInMs: undefined,
      };
    }
    const event = JSON.parse(Buffer.from(this.#claimed.body).toString()) as CloudEvent;
    this.#effects = this.#effectsOf(event);
    for (const [index, script] of opened.scripts.entries()) {
      if (this.#stopped !== undefined) return this.#afterStop(this.#stopped, undefined);
      // Woken too late, after its lease: another attempt may be running by now (rule D8).
      if (this.#ttlMs() === 0) return this.#afterStop("lease-lost", undefined);
      const environment = await this.#environmentOf(index + 1, script, opened);
      if ("ended" in environment) return environment.ended;
      if (this.#stopped !== undefined) return this.#afterStop(this.#stopped, undefined);
      const result = await this.#runStep(index + 1, script, opened, environment.found, event, config);
      const ended = this.#afterStep(result, script, opened.manifest);
      if (ended !== "next") return ended;
    }
    return { kind: "completed" };
  }

  #effectsOf(event: CloudEvent): Effects {
    const { execution } = this.#claimed;
    const secrets = this.#secrets;
    const parts = { ...this.#parts, insist: this.#patience.insist };
    const live = new LiveEffects(parts, execution, this.lease, event, secrets);
    if (execution.trigger !== "replay") return live;
    const emitter = new Emitter(parts, execution, event);
    this.#captured = new CapturedEffects({ clock: this.#parts.clock, trigger: event, emitter, live, secrets });
    return this.#captured;
  }

  /** A run waits for an install only where its executor does not have the version's packages yet, and says so in its output. */
  async #environmentOf(
    step: number,
    script: string,
    opened: OpenedVersion,
  ): Promise<{ found: Environment | undefined } | { ended: AttemptReport["outcome"] | undefined }> {
    const told: (void | Promise<void>)[] = [];
    const tell = (text: string) => {
      const at = this.#parts.clock.now();
      told.push(this.#log.write({ step, script, stream: "log", level: "info", at, bytes: Buffer.from(text) }));
    };
    // An index that is away is waited for, but one that is named wrongly looks the same.
    const patienceMs = opened.manifest.timeout * 1000;
    try {
      return { found: await this.#patience.insistFor(patienceMs, async () => opened.environment?.(script, tell)) };
    } catch (error) {
      if (this.#stopped !== undefined) return { ended: this.#afterStop(this.#stopped, script) };
      const message = `what ${script} imports could not be installed: ${messageOf(error)}`;
      if (isPlatformError(error) && error.retryable) return { ended: lost(message, script) };
      return { ended: this.#failed({ kind: "start", message, script, exitCode: undefined }, opened.manifest) };
    } finally {
      await Promise.all(told);
    }
  }

  async #runStep(
    n: number,
    script: string,
    opened: OpenedVersion,
    environment: Environment | undefined,
    event: CloudEvent,
    config: JsonObject,
  ): Promise<StepResult> {
    const { clock, leases, runner, outputCapBytes, caps, use } = this.#parts;
    const { execution } = this.#claimed;
    const startedAt = clock.now();
    const preview = new OutputPreview();
    const redaction = new StepRedaction(this.#secrets, ({ stream, bytes, at }) => {
      preview.add(bytes);
      return this.#log.write({ step: n, script, stream, level: undefined, at, bytes });
    });
    const step: Step = {
      n,
      script,
      attempt: execution.attempt,
      status: "in_progress",
      exitCode: undefined,
      startedAt,
      finishedAt: undefined,
      output: preview.read(false),
    };
    this.#steps.push(step);
    const announce = clock.setTimer(announceStepAfterMs, () => {
      // Only for whoever looks; the outcome is written by `finish`.
      leases.recordSteps([{ ...this.lease, steps: [{ ...step }] }]).catch(() => {});
    });
    const beganAt = clock.monotonic();
    const running = runner.run(
      {
        executionId: execution.id,
        attempt: execution.attempt,
        step: n,
        slot: this.#slot,
        directory: opened.directory,
        script,
        runtime: opened.manifest.runtime,
        preload: opened.manifest.preload,
        environment,
        elsewhere: elsewhereOf(opened.manifest, script),
        timeoutMs: opened.manifest.timeout * 1000,
        ttlMs: this.#ttlMs(),
        outputCapBytes,
        limits: limitsOf(opened.manifest, caps),
        isolation: { level: this.#levelOf(opened.manifest), network: opened.manifest.network },
        isReplay: this.#captured !== undefined,
        context: {
          event,
          params: paramsOf(event),
          service: { project: execution.project, name: execution.service, version: execution.version },
          execution: { id: execution.id, attempt: execution.attempt, step: n, script, ...this.#originOf() },
          config,
          previous: this.#previous,
        },
      },
      this.#host(step, redaction),
    );
    this.#running = running;
    const result = this.#excused(await running.result, beganAt);
    this.#running = undefined;
    announce.cancel();
    const cut = "truncated" in result && result.truncated;
    await redaction.end(cut);
    const finishedAt = clock.now();
    step.finishedAt = finishedAt;
    use.ran({ project: execution.project, name: execution.service }, finishedAt - startedAt);
    step.output = preview.read(cut);
    step.status = stepStatus(result);
    step.exitCode = result.kind === "exited" ? result.exitCode : undefined;
    return result;
  }

  #originOf() {
    const { trigger, retryOf } = this.#claimed.execution;
    return trigger === "replay" ? { replay: true, original: retryOf ?? null } : { replay: false, original: null };
  }

  /** Who was kept waiting by an engine until its time was over has not failed (rule D7). */
  #excused(result: StepResult, beganAt: number): StepResult {
    if (result.kind !== "timeout" || !this.#patience.waitedSince(beganAt + result.timeoutMs)) return result;
    const message = `its ${result.timeoutMs / 1000} s were over (manifest key "timeout") while an engine that it sends to was away`;
    return { kind: "lost", message };
  }

  /** Of processes; what runs elsewhere is kept apart there. */
  #levelOf({ isolation = this.#parts.level }: Manifest): IsolationLevel {
    if (isolation === "container") return "process";
    // What a module remembers of a replay, whose effects have not happened, must not reach a run whose effects do.
    return isolation === "warm" && this.#claimed.execution.trigger === "replay" ? "process" : isolation;
  }

  #host(step: Step, redaction: StepRedaction): StepHost {
    const { n, script } = step;
    const effects = this.#effects as Effects;
    const log: StepHost["log"] = async ({ level, message, at }) => {
      // A line that waits to be redacted is not overtaken.
      const redacted = await this.#logging.run(() => this.#secrets.redact(message));
      const bytes = Buffer.from(redacted);
      await this.#log.write({ step: n, script, stream: "log", level, at, bytes });
    };
    return {
      output: (chunk) => redaction.output(chunk),
      log,
      emit: (request) => this.#deliver(effects.emit(n, request)),
      getState: () => effects.getState(),
      putState: (key, value) => this.#deliver(effects.putState(key, value)),
      getSecret: (name) => effects.getSecret(name),
      setSecret: async (name, value, scope) => {
        await this.#deliver(effects.setSecret(name, value, scope));
        const message = secretWarning(name, value);
        if (message !== undefined) await log({ level: "warning", message, at: this.#parts.clock.now() });
      },
      retryLater: (when, parameters) => this.#deliver(effects.retryLater(when, parameters)),
      setResult: (value) => {
        requireSmallResult(value);
        this.#previous = value;
      },
    };
  }

  /** A refusal is an answer that the script must live with; a failure on the way is the platform's. */
  async #deliver<Answer>(sent: Promise<Answer>): Promise<Answer> {
    try {
      return await sent;
    } catch (error) {
      if (!isPlatformError(error) || error.retryable) this.#undelivered ??= error;
      throw error;
    }
  }

  #afterStep(result: StepResult, script: string, manifest: Manifest): AttemptReport["outcome"] | "next" | undefined {
    if (result.kind === "lost") return lost(`${script}: ${result.message}`, script);
    if (result.kind === "stopped") return this.#afterStop(result.reason, script);
    const error = failureOf(result, script);
    return error === undefined ? "next" : this.#failed(error, manifest);
  }

  #afterStop(reason: StopReason, script: string | undefined): AttemptReport["outcome"] | undefined {
    switch (reason) {
      case "cancelled":
        return { kind: "cancelled" };
      case "shutdown":
        return lost("the platform was stopped before it ended", script);
      case "lease-lost":
        return undefined;
      default:
        return assertNever(reason, "stop reason");
    }
  }

  #failed(error: ExecutionError, manifest: Manifest): AttemptReport["outcome"] {
    const retries = retriesOf(manifest);
    // Attempts that the platform lost do not use up the script's retries (rule D7).
    const failures = this.#claimed.execution.attempt - this.#claimed.execution.losses;
    // A replay is to show what the version does, once.
    const again = failures <= retries.count && this.#claimed.execution.trigger !== "replay";
    return {
      kind: "failed",
      error,
      retryInMs: again ? backoffDelayMs(retries, failures, this.#parts.random) : undefined,
    };
  }

  #ttlMs(): number {
    return Math.max(0, this.#aliveUntil - this.#parts.clock.monotonic());
  }
}

function lost(message: string, script?: string): Extract<AttemptReport["outcome"], { kind: "lost" }> {
  return { kind: "lost", error: { kind: "lost", message, script, exitCode: undefined } };
}

function stepStatus(result: StepResult): Step["status"] {
  if (result.kind === "exited") return result.exitCode === 0 ? "completed" : "failed";
  if (result.kind === "stopped") return result.reason === "cancelled" ? "cancelled" : "lost";
  return result.kind === "lost" ? "lost" : "failed";
}
