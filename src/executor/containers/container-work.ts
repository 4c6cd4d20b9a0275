import type { Duplex } from "node:stream";
import { type Clock, sleep } from "../../foundation/clock.ts";
import { isPlatformError, messageOf, PlatformError } from "../../foundation/errors.ts";
import type { Json } from "../../foundation/json.ts";
import type { Log } from "../../foundation/log.ts";
import { pauseAfter } from "../../foundation/pause-after.ts";
import type { Random } from "../../foundation/random.ts";
import { overrunText } from "../../services/run-limits.ts";
import { welcomeTo } from "../channel/channel-message.ts";
import { type OpenChannel, SlotChannel } from "../channel/slot-channel.ts";
import { givenSecrets } from "../given-secrets.ts";
import type { RelayedOutput } from "../relayed-output.ts";
import type { RemoteEnd, RemoteWords, RemoteWork } from "../remote-step.ts";
import type { StepHost, StepRequest } from "../step-runner.ts";
import { type ContainerOf, containerBody } from "./container-body.ts";
import type { ContainerEngine, KnownImage } from "./container-engine.ts";
import type { Given, GivenFiles } from "./given-files.ts";
import { commandInImage } from "./image-runtimes.ts";
import { OutputFrames } from "./output-frames.ts";
import { labels, places } from "./places.ts";
import { watchUsage } from "./watch-usage.ts";

export interface ContainerWorkParts {
  engine(signal: AbortSignal): Promise<ContainerEngine>;
  files: GivenFiles;
  library: string;
  platform: string;
  clock: Clock;
  random: Random;
  log: Log;
}

/** 128 and the number of the signal, as shells tell it. */
const killedExitCode = 137;
const outOfTimeExitCode = 152;
/** Between two tries to have the container's name, and how many there are: a quarter of a minute in all. */
const namePause = { unitMs: 20, mostMs: 1_000, times: 20 };

/** One step that is a container. */
export class ContainerWork implements RemoteWork {
  readonly #parts: ContainerWorkParts;
  readonly #request: StepRequest;
  readonly #host: StepHost;
  readonly #container: ContainerOf;
  #engine: ContainerEngine | undefined;
  #given: Given | undefined;
  #slotChannel: SlotChannel | undefined;
  #channel: OpenChannel | undefined;
  #stopSignal = "SIGTERM";
  #id = "";
  #output: Duplex | undefined;
  #ownProcesses = 0;
  #killed = false;
  #isOutOfTime = false;

  constructor(parts: ContainerWorkParts, request: StepRequest, host: StepHost, container: ContainerOf) {
    this.#parts = parts;
    this.#request = request;
    this.#host = host;
    this.#container = container;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const { files, library, platform } = this.#parts;
    const { context, slot } = this.#request;
    const secrets = await givenSecrets(this.#host, this.#container.secrets);
    this.#engine = await this.#parts.engine(signal);
    const image = await this.#imageOf(this.#engine, signal);
    this.#stopSignal = image.stopSignal ?? this.#stopSignal;
    this.#given = await files.lay(slot, context, secrets);
    this.#slotChannel = await SlotChannel.listen(this.#given.socket, this.#parts);
    await this.#given.openSocket();
    this.#channel = this.#slotChannel.open(welcomeTo(context, places.service), this.#host);
    const { interpreter } = this.#container;
    const started = interpreter && (await commandInImage(interpreter, this.#request.script));
    this.#ownProcesses = started?.ownProcesses ?? 0;
    const made = { request: this.#request, container: this.#container, given: this.#given, library, platform, started };
    const body = containerBody({
      ...made,
      image,
      secrets: secrets as ReadonlyMap<string, Json>,
      nonce: this.#channel.nonce,
    });
    this.#id = await this.#create(this.#engine, body, signal);
    this.#output = await this.#engine.attach(this.#id);
  }

  async start(signal: AbortSignal): Promise<void> {
    // Not to be aborted half-way: whether it runs by now would be unknown.
    signal.throwIfAborted();
    await this.#engine?.start(this.#id);
  }

  async ended(output: RelayedOutput, signal: AbortSignal): Promise<RemoteEnd> {
    const engine = this.#engine as ContainerEngine;
    const watching = new AbortController();
    const watch = this.#watch(engine, output, AbortSignal.any([signal, watching.signal]));
    try {
      await this.#readAll(output, signal);
      // Its output ends with it, or because the engine went away, which shows here.
      const exitCode = await engine.wait(this.#id, signal);
      return (await this.#overrunOf(engine, exitCode, output, signal)) ?? { kind: "exited", exitCode };
    } finally {
      watching.abort();
      await watch;
    }
  }

  async ask(signal: AbortSignal): Promise<void> {
    await this.#engine?.kill(this.#id, this.#stopSignal, signal);
  }

  async kill(signal: AbortSignal): Promise<void> {
    this.#killed = true;
    await this.#engine?.kill(this.#id, "SIGKILL", signal);
  }

  async clear(signal: AbortSignal): Promise<RemoteWords> {
    this.#output?.destroy();
    try {
      // By its name: what was asked for and not answered any more may have been made.
      if (this.#engine && this.#given) await this.#removeOwn(this.#engine, signal);
    } catch (error) {
      this.#parts.log.warn(
        { container: this.#name, error: String(error) },
        "a container could not be removed; it will be looked for",
      );
    }
    const end = await this.#channel?.close();
    await this.#slotChannel?.close();
    await this.#given?.remove();
    return { platformFailure: end?.platformFailure, overrun: end?.overrun };
  }

  /** The engine gives a name once: two attempts of one execution cannot both have a container. */
  get #name(): string {
    return `fx-${this.#request.executionId}`;
  }

  async #imageOf(engine: ContainerEngine, signal: AbortSignal): Promise<KnownImage> {
    const { image: reference, settings } = this.#container;
    const present = settings.pull === "always" ? undefined : await engine.image(reference, signal);
    if (present) return present;
    if (settings.pull !== "never") await engine.pull(reference, signal);
    const pulled = settings.pull === "never" ? undefined : await engine.image(reference, signal);
    if (pulled) return pulled;
    throw new PlatformError(
      "not-found",
      `the engine has no image '${reference}', and the manifest says "pull": "never"`,
    );
  }

  /**
   * What had the name is removed, and the name asked for again: it may be free by now, though none was found to remove, since the sweeper
   * removes as well, and an engine keeps the name of what it is removing for a while.
   */
  async #create(engine: ContainerEngine, body: unknown, signal: AbortSignal): Promise<string> {
    for (let failures = 0; ; failures += 1) {
      try {
        return await engine.create(this.#name, body, signal);
      } catch (error) {
        if (!isPlatformError(error, "conflict") || failures === namePause.times) throw error;
        await this.#removeFormer(engine, signal);
        await sleep(this.#parts.clock, pauseAfter(failures, namePause), signal);
        if (signal.aborted) throw error;
      }
    }
  }

  /** What an earlier attempt left, whose executor is gone, ends before this one begins (rule D8). */
  async #removeFormer(engine: ContainerEngine, signal: AbortSignal): Promise<void> {
    const found = await this.#listOwn(engine, signal);
    if (found.some(({ labels: own }) => Number(own[labels.attempt]) > this.#request.attempt)) {
      throw new PlatformError("lease-lost", "a later attempt of this execution has its container by now");
    }
    for (const { id } of found) await engine.remove(id, signal);
  }

  async #removeOwn(engine: ContainerEngine, signal: AbortSignal): Promise<void> {
    if (this.#id !== "") return engine.remove(this.#id, signal);
    const own = (await this.#listOwn(engine, signal)).filter(
      (found) => found.labels[labels.attempt] === String(this.#request.attempt),
    );
    for (const { id } of own) await engine.remove(id, signal);
  }

  #listOwn(engine: ContainerEngine, signal: AbortSignal) {
    return engine.list(
      { [labels.platform]: this.#parts.platform, [labels.execution]: this.#request.executionId },
      signal,
    );
  }

  async #watch(engine: ContainerEngine, output: RelayedOutput, signal: AbortSignal): Promise<void> {
    const { limits } = this.#request;
    const overran = async () => {
      this.#isOutOfTime = true;
      await engine.kill(this.#id, "SIGKILL", signal);
    };
    const filled = () =>
      output.say(
        `[it has as many processes and threads as it may: ${limits.processes} (manifest key "max_processes"); it is refused more]`,
      );
    const usage = async (signal: AbortSignal) => {
      const used = await engine.usage(this.#id, signal);
      return { ...used, processes: used.processes - this.#ownProcesses };
    };
    await watchUsage({ limits, clock: this.#parts.clock, usage, overran, filled }, signal);
  }

  /** The limit for which it was ended; undefined: for none, or nobody knows, which the output then tells. */
  async #overrunOf(
    engine: ContainerEngine,
    exitCode: number,
    output: RelayedOutput,
    signal: AbortSignal,
  ): Promise<RemoteEnd | undefined> {
    const { cpuSeconds, memoryBytes } = this.#request.limits;
    if (exitCode === 0 || this.#killed) return undefined;
    if (cpuSeconds !== undefined && (this.#isOutOfTime || exitCode === outOfTimeExitCode))
      return { kind: "overrun", limit: "cpuSeconds", value: cpuSeconds };
    if (exitCode !== killedExitCode || memoryBytes === undefined) return undefined;
    const isKnown = await engine.ranOutOfMemory(this.#id, signal).catch(() => false);
    if (isKnown) return { kind: "overrun", limit: "memoryBytes", value: memoryBytes };
    // Not every engine notices what the kernel did.
    await output.say(`[it was killed, most likely because it ${overrunText("memoryBytes", memoryBytes)}]`);
    return undefined;
  }

  async #readAll(output: RelayedOutput, signal: AbortSignal): Promise<void> {
    const abort = () => this.#output?.destroy();
    signal.addEventListener("abort", abort, { once: true });
    const frames = new OutputFrames();
    try {
      for await (const chunk of this.#output as Duplex) {
        for (const { stream, bytes } of frames.read(chunk)) await output.write(stream, bytes);
      }
    } catch (error) {
      throw new PlatformError("unavailable", `its output cannot be read any more: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }
}
