import type { Socket } from "node:net";
import type { Clock, Timer } from "../../foundation/clock.ts";
import { type ErrorCode, isPlatformError, messageOf } from "../../foundation/errors.ts";
import type { Json } from "../../foundation/json.ts";
import type { LimitName } from "../../services/run-limits.ts";
import { encodeFrame, type FrameReader } from "../frame.ts";
import type { RetryTime, StepHost } from "../step-runner.ts";
import type { Answer, Ask, RetryWords } from "./channel-message.ts";
import { askIdOf, readAsk } from "./read-ask.ts";

/** Asks being handled at one time; past it the script's writes wait. */
const maxPendingAsks = 256;
const maxPendingBytes = 16 * 1024 * 1024;
/** After the script's end, what its socket still holds is read; one that somebody holds open is cut after so long without a byte. */
const heldSocketMs = 1_000;

/** The host's own words for "the script asked for something that cannot be". All others are the platform's trouble. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  "invalid-input",
  "forbidden",
  "not-found",
  "conflict",
  "limit-exceeded",
]);

/** One admitted connection: takes what the script asks for to its host and carries the answers back. */
export class ChannelSession {
  readonly #socket: Socket;
  readonly #host: StepHost;
  readonly #clock: Clock;
  readonly #frames: FrameReader;
  readonly #done = Promise.withResolvers<void>();
  #held: Timer | undefined;
  #pendingAsks = 0;
  #pendingBytes = 0;
  #closed = false;
  #platformFailure: string | undefined;
  #overrun: LimitName | undefined;
  #imports: string[] | undefined;

  constructor(socket: Socket, frames: FrameReader, host: StepHost, clock: Clock) {
    this.#socket = socket;
    this.#frames = frames;
    this.#host = host;
    this.#clock = clock;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("close", () => {
      this.#closed = true;
      this.#settle();
    });
  }

  /** Why an ask could not be served though nothing was wrong with it; the attempt must not count as done. */
  get platformFailure(): string | undefined {
    return this.#platformFailure;
  }

  get imports(): string[] | undefined {
    return this.#imports;
  }

  get overrun(): LimitName | undefined {
    return this.#overrun;
  }

  /** The script is gone: resolves when the connection has ended and every ask that arrived on it has been handled (rule D9). */
  async end(): Promise<void> {
    this.#giveUpHeldSocket();
    await this.#done.promise;
    this.#held?.cancel();
  }

  #giveUpHeldSocket(): void {
    this.#held?.cancel();
    this.#held = this.#clock.setTimer(heldSocketMs, () => {
      // A paused socket is silent because of us.
      if (this.#isFull()) this.#giveUpHeldSocket();
      else this.#socket.destroy();
    });
  }

  #read(chunk: Buffer): void {
    if (this.#held) this.#giveUpHeldSocket();
    try {
      for (const frame of this.#frames.read(chunk)) void this.#handle(frame);
    } catch {
      // Too long for any SDK's: what follows cannot be read either.
      this.#socket.destroy();
    }
    if (this.#isFull()) this.#socket.pause();
  }

  async #handle(frame: Buffer): Promise<void> {
    this.#pendingAsks += 1;
    this.#pendingBytes += frame.length;
    let id: number | undefined;
    try {
      const ask = readAsk(frame);
      id = "id" in ask ? ask.id : undefined;
      const value = await this.#serve(ask);
      if (id !== undefined) this.#answer({ id, value });
    } catch (error) {
      const code = isPlatformError(error) ? error.code : "unavailable";
      const message = messageOf(error);
      if (!refusals.has(code)) this.#platformFailure ??= message;
      // A wrong value is an ordinary mistake of a script: it is told, and may go on.
      id ??= askIdOf(frame);
      if (id !== undefined) this.#answer({ id, error: { code, message } });
      else if (refusals.has(code)) this.#socket.destroy();
    } finally {
      this.#pendingAsks -= 1;
      this.#pendingBytes -= frame.length;
      if (!this.#isFull()) this.#socket.resume();
      this.#settle();
    }
  }

  async #serve(ask: Ask): Promise<Json> {
    switch (ask.op) {
      case "emit":
        return { id: (await this.#host.emit(ask.event)).id };
      case "getState":
        return this.#host.getState();
      case "putState":
        await this.#host.putState(ask.key, ask.value);
        return null;
      case "getSecret":
        return (await this.#host.getSecret(ask.name)) ?? null;
      case "setSecret":
        await this.#host.setSecret(ask.name, ask.value, ask.scope);
        return null;
      case "retryLater": {
        const { jobId, at } = await this.#host.retryLater(retryTimeOf(ask), ask.parameters);
        return { jobId, at: new Date(at).toISOString() };
      }
      case "setResult":
        this.#host.setResult(ask.value);
        return null;
      case "overrun":
        this.#overrun = ask.limit;
        return null;
      case "imports":
        this.#imports = ask.modules;
        return null;
      case "log":
        await this.#host.log({ level: ask.level, message: ask.message, at: this.#clock.now() });
        return null;
    }
  }

  #answer(answer: Answer): void {
    if (this.#socket.writable) this.#socket.write(encodeFrame(Buffer.from(JSON.stringify(answer))));
  }

  #isFull(): boolean {
    return this.#pendingAsks >= maxPendingAsks || this.#pendingBytes >= maxPendingBytes;
  }

  #settle(): void {
    if (this.#closed && this.#pendingAsks === 0) this.#done.resolve();
  }
}

const minuteMs = 60_000;

function retryTimeOf({ cron, timezone = "UTC", minutes = 0, hours = 0, days = 0 }: RetryWords): RetryTime {
  if (cron !== undefined) return { cron, timezone };
  return { delayMs: (minutes + (hours + days * 24) * 60) * minuteMs };
}
