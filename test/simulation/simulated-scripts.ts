import { platformEventTypes } from "../../src/events/reserved-types.ts";
import type { RunningStep, StepHost, StepRequest, StepResult, StepRunner } from "../../src/executor/step-runner.ts";
import { isPlatformError } from "../../src/foundation/errors.ts";
import type { Json } from "../../src/foundation/json.ts";
import type { History } from "./history.ts";
import type { Instruction, Program } from "./programs.ts";
import { Domain, type Scheduler } from "./scheduler.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What the scripts of a world were told and did: the observations that the invariants need. */
export interface ScriptWitness {
  /** A script begins or is gone. Overlapping runs of one execution are a broken lease (rule D8). */
  began(request: StepRequest): void;
  gone(request: StepRequest): void;
  /** An event, or a value of state, was handed over. `id`: the script's own. */
  emitted(
    request: StepRequest,
    emission: { type: string; data: Json; id: string | undefined; settled: Promise<{ id: string }> },
  ): void;
  put(request: StepRequest, key: string, value: Json, settled: Promise<void>): void;
}

export interface SimulatedScriptsOptions {
  scheduler: Scheduler;
  random: SeededRandom;
  history: History;
  /** The executor's process: its calls are made there, and its death kills the scripts (end of file at the launcher). */
  executor: Domain;
  programOf(request: StepRequest): Program;
  /** Of the executor, without those for relief. */
  slots: number;
  witness: ScriptWitness;
}

/** Scripts under the virtual clock, each a process of its own beside the executor's, as the launcher keeps them. */
export class SimulatedScripts implements StepRunner {
  readonly #options: SimulatedScriptsOptions;
  readonly #live = new Set<SimulatedScript>();

  constructor(options: SimulatedScriptsOptions) {
    this.#options = options;
  }

  run(request: StepRequest, host: StepHost): RunningStep {
    // Promise callbacks that were due when the process was killed still run here; a dead process starts nothing.
    if (!this.#options.executor.alive) return { result: new Promise(() => {}), keepAlive() {}, stop() {} };
    const script = new SimulatedScript(this.#options, request, host, () => this.#live.delete(script));
    this.#live.add(script);
    this.#checkSlots(script);
    return script;
  }

  #checkSlots({ slot, service }: SimulatedScript): void {
    const { history, slots } = this.#options;
    const live = [...this.#live];
    if (live.filter((other) => other.slot === slot).length > 1) {
      history.violate("S2", `two scripts live in slot ${slot} of one executor`);
    }
    if (live.length > slots) history.reach("a run had a place beside the slots");
    if (live.filter((other) => other.service === service).length > slots) {
      history.violate("D4", `${service} has more scripts than the ${slots} slots of their executor`);
    }
  }

  /** The launcher sees the end of its connection to the executor, and kills. */
  executorDied(): void {
    for (const script of this.#live) {
      this.#options.history.reach("a script died with its executor");
      script.kill({ kind: "lost", message: "its executor died" });
    }
  }

  async close(): Promise<void> {}
}

class SimulatedScript implements RunningStep {
  readonly result: Promise<StepResult>;
  readonly #options: SimulatedScriptsOptions;
  readonly #request: StepRequest;
  readonly #host: StepHost;
  readonly #domain: Domain;
  readonly #outstanding = new Set<Promise<unknown>>();
  readonly #channel: (() => void)[] = [];
  readonly #ended: () => void;
  #resolve!: (result: StepResult) => void;
  #over = false;
  #expiry: { cancel(): void };
  #outputBytes = 0;

  constructor(options: SimulatedScriptsOptions, request: StepRequest, host: StepHost, ended: () => void) {
    this.#options = options;
    this.#request = request;
    this.#host = host;
    this.#ended = ended;
    this.#domain = new Domain(`script ${request.executionId}`);
    this.result = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    options.witness.began(request);
    this.#expiry = this.#expireIn(request.ttlMs);
    const timeout = options.scheduler.setTimer(this.#domain, request.timeoutMs, () =>
      this.kill({ kind: "timeout", timeoutMs: request.timeoutMs, ...this.#written() }),
    );
    options.scheduler.enqueue(this.#domain, () => void this.#play().finally(() => timeout.cancel()));
  }

  get slot(): number {
    return this.#request.slot;
  }

  get service(): string {
    const { project, name } = this.#request.context.service;
    return `${project}/${name}`;
  }

  keepAlive(ttlMs: number): void {
    this.#expiry.cancel();
    this.#expiry = this.#expireIn(ttlMs);
  }

  stop(reason: "cancelled" | "lease-lost" | "shutdown", graceMs: number): void {
    const { scheduler, random } = this.#options;
    const afterMs = random.chance(0.5) ? 0 : random.fraction() * graceMs;
    scheduler.setTimer(this.#domain, afterMs, () => this.kill({ kind: "stopped", reason, ...this.#written() }));
  }

  /** The whole group is gone at once; the executor hears of it when its host calls have settled. */
  kill(result: StepResult): void {
    if (this.#over) return;
    this.#over = true;
    this.#domain.alive = false;
    this.#expiry.cancel();
    this.#ended();
    const { scheduler, executor, witness } = this.#options;
    witness.gone(this.#request);
    void Promise.allSettled(this.#outstanding).then(() => scheduler.enqueue(executor, () => this.#resolve(result)));
  }

  #expireIn(ttlMs: number) {
    const { scheduler, history } = this.#options;
    return scheduler.setTimer(this.#domain, ttlMs, () => {
      history.reach("a script was killed at the end of its time to live");
      this.kill({ kind: "lost", message: "it was not kept alive" });
    });
  }

  #written() {
    return { outputBytes: this.#outputBytes, truncated: false };
  }

  async #play(): Promise<void> {
    const { programOf } = this.#options;
    let exitCode = 0;
    try {
      for (const instruction of programOf(this.#request).instructions) {
        const end = await this.#perform(instruction);
        if (end) return this.kill(end);
      }
    } catch {
      // An unhandled error of a call, as in any script.
      exitCode = 1;
    }
    // A script that ends without awaiting its calls has still handed them over: the channel is read to its end.
    this.kill({ kind: "exited", exitCode, ...this.#written() });
  }

  async #perform(instruction: Instruction): Promise<StepResult | undefined> {
    const { scheduler, witness } = this.#options;
    const request = this.#request;
    switch (instruction.do) {
      case "work":
        await scheduler.sleep(this.#domain, instruction.ms);
        return undefined;
      case "emit": {
        const { type, id, correlationId, awaited, differs } = instruction;
        const data = differs ? { value: instruction.data, attempt: request.attempt } : instruction.data;
        const settled = this.#call(() => this.#host.emit({ type, data, id, correlationId }));
        witness.emitted(request, { type, data, id, settled });
        if (awaited) await this.#answer(settled);
        return undefined;
      }
      case "put": {
        const value = `${request.executionId}/${request.attempt}`;
        const settled = this.#call(() => this.#host.putState(instruction.key, value));
        witness.put(request, instruction.key, value, settled);
        if (instruction.awaited) await this.#answer(settled);
        return undefined;
      }
      case "print": {
        const bytes = Buffer.from(instruction.text);
        this.#outputBytes += bytes.length;
        const at = scheduler.nowMs;
        await this.#answer(this.#call(async () => this.#host.output({ stream: "stdout", bytes, at })));
        return undefined;
      }
      case "retry": {
        if (request.context.event.type === platformEventTypes.retryDue) return undefined;
        await this.#answer(this.#call(() => this.#host.retryLater({ delayMs: instruction.delayMs })));
        return undefined;
      }
      case "log": {
        const { text: message } = instruction;
        const at = scheduler.nowMs;
        await this.#answer(this.#call(async () => this.#host.log({ level: "info", message, at })));
        return undefined;
      }
      default:
        return this.#endBadly(instruction);
    }
  }

  async #endBadly(instruction: Extract<Instruction, { untilAttempt: number }>): Promise<StepResult | undefined> {
    if (this.#request.attempt > instruction.untilAttempt) return undefined;
    switch (instruction.do) {
      case "fail":
        return { kind: "exited", exitCode: 3, ...this.#written() };
      case "crash":
        return { kind: "signalled", signal: "SIGSEGV", ...this.#written() };
      case "vanish":
        return { kind: "lost", message: "the launcher died" };
      default:
        // Until its timeout, its lease or its executor ends it.
        return new Promise(() => {});
    }
  }

  /** A call over the channel: it is made in the executor's process, which may be paused or die first. */
  #call<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    const { scheduler, executor } = this.#options;
    const settled = new Promise<Answer>((resolve, reject) => {
      this.#channel.push(() => void work().then(resolve, reject));
    });
    // Calls arrive in the order they were made: the channel is a stream.
    scheduler.enqueue(executor, () => this.#channel.shift()?.());
    settled.catch(() => {});
    this.#outstanding.add(settled);
    return settled;
  }

  /** The answer reaches the script when the seed says so, and not once it is dead. */
  async #answer<Answer>(settled: Promise<Answer>): Promise<Answer | undefined> {
    try {
      const answer = await settled;
      await this.#options.scheduler.yield(this.#domain);
      return answer;
    } catch (error) {
      await this.#options.scheduler.yield(this.#domain);
      // A script that was refused for what it sent goes on; one that met a failure ends.
      if (isPlatformError(error, "forbidden")) return undefined;
      throw error;
    }
  }
}
