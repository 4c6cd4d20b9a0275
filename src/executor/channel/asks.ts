import type { Clock } from "../../foundation/clock.ts";
import { type ErrorCode, isPlatformError, messageOf } from "../../foundation/errors.ts";
import type { Json } from "../../foundation/json.ts";
import type { LimitName } from "../../services/run-limits.ts";
import type { RetryTime, StepHost } from "../step-runner.ts";
import type { Answer, Ask, RetryWords } from "./channel-message.ts";
import { askIdOf, readAsk, type Words } from "./read-ask.ts";

/** Asks being handled at one time; past it the script's writes wait. */
const maxPendingAsks = 64;
const maxPendingBytes = 16 * 1024 * 1024;

/** The host's own words for "the script asked for something that cannot be". All others are the platform's trouble. */
const refusals: ReadonlySet<ErrorCode> = new Set([
  "invalid-input",
  "forbidden",
  "not-found",
  "conflict",
  "limit-exceeded",
]);

/** Bytes of answers that a script may leave unread; past it nothing more is read of it. */
export const maxUnreadAnswers = 1024 * 1024;

export interface AskListener {
  answer(answer: Answer): void;
  /** The script said something wrong that cannot be answered. */
  refused(): void;
  /** An ask was handled; there may be room for more. */
  handled(): void;
}

/** What one step asks for, on its way to the step's host. */
export class Asks {
  readonly #host: StepHost;
  readonly #clock: Clock;
  readonly #listener: AskListener;
  #pending = 0;
  #pendingBytes = 0;
  #platformFailure: string | undefined;
  #overrun: LimitName | undefined;
  #imports: string[] | undefined;

  constructor(host: StepHost, clock: Clock, listener: AskListener) {
    this.#host = host;
    this.#clock = clock;
    this.#listener = listener;
  }

  /** Why an ask could not be served though nothing was wrong with it; the attempt must not count as done. */
  get platformFailure(): string | undefined {
    return this.#platformFailure;
  }

  /** Modules of its interpreter that the script says it has imported. */
  get imports(): string[] | undefined {
    return this.#imports;
  }

  /** The limit over which the script failed, by its own account. */
  get overrun(): LimitName | undefined {
    return this.#overrun;
  }

  /** Every ask that was taken has been handled. */
  get isDone(): boolean {
    return this.#pending === 0;
  }

  get isFull(): boolean {
    return this.#pending >= maxPendingAsks || this.#pendingBytes >= maxPendingBytes;
  }

  /** Resolves when the ask is handled; never rejects. */
  async take(words: Words, sizeBytes: number): Promise<void> {
    this.#pending += 1;
    this.#pendingBytes += sizeBytes;
    let id: number | undefined;
    try {
      const ask = readAsk(words);
      id = "id" in ask ? ask.id : undefined;
      const value = await this.#serve(ask);
      if (id !== undefined) this.#listener.answer({ id, value });
    } catch (error) {
      const code = isPlatformError(error) ? error.code : "unavailable";
      const message = messageOf(error);
      if (!refusals.has(code)) this.#platformFailure ??= message;
      // A wrong value is an ordinary mistake of a script: it is told, and may go on.
      id ??= askIdOf(words);
      if (id !== undefined) this.#listener.answer({ id, error: { code, message } });
      else if (refusals.has(code)) this.#listener.refused();
    } finally {
      this.#pending -= 1;
      this.#pendingBytes -= sizeBytes;
      this.#listener.handled();
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
}

const minuteMs = 60_000;

function retryTimeOf({ cron, timezone = "UTC", minutes = 0, hours = 0, days = 0 }: RetryWords): RetryTime {
  if (cron !== undefined) return { cron, timezone };
  return { delayMs: (minutes + (hours + days * 24) * 60) * minuteMs };
}
