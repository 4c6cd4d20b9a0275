import { type Clock, sleep } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";

/**
 * Brokers hear one after the other of a topic that is made and of a leader that moves. Meanwhile those that are asked do not know
 * the topic, name a leader that is none, or read what they lead now: for so long that is waited out. Who asks whether we are ready
 * waits for two such questions, so that the reason is told and not that there was none.
 */
const settleMs = 2000;
const pauseMs = 100;

/** Answers of this kind beside those by which the client itself knows that it asked the wrong broker. */
const answers: ReadonlySet<unknown> = new Set([
  "UNKNOWN_LEADER_EPOCH",
  "UNKNOWN_TOPIC_ID",
  "REPLICA_NOT_AVAILABLE",
  "COORDINATOR_LOAD_IN_PROGRESS",
  "COORDINATOR_NOT_AVAILABLE",
  "NOT_COORDINATOR",
]);

/**
 * Repeats what fails because brokers have not settled who leads what; `again` from the second time on. Not for what may have had
 * an effect all the same.
 */
export async function onceSettled<Result>(
  clock: Clock,
  ask: (again: boolean) => Promise<Result>,
  withinMs = settleMs,
): Promise<Result> {
  const began = clock.monotonic();
  for (let again = false; ; again = true) {
    try {
      return await ask(again);
    } catch (error) {
      if (!isUnsettled(error) || clock.monotonic() - began > withinMs) throw error;
      await sleep(clock, pauseMs);
    }
  }
}

/** A partition that has no leader at this moment. */
export class WithoutLeader extends PlatformError {
  constructor(topic: string, partition: number) {
    super("unavailable", `nobody leads partition ${partition} of ${topic} just now`);
  }
}

interface Nested {
  code?: unknown;
  message?: unknown;
  apiId?: unknown;
  hasStaleMetadata?: unknown;
  errors?: unknown;
  cause?: unknown;
}

/** Whether the brokers will answer otherwise once all of them know who leads what. */
export function isUnsettled(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  if (error instanceof WithoutLeader) return true;
  const { code, message, apiId, hasStaleMetadata, errors, cause } = error as Nested;
  if (hasStaleMetadata === true || answers.has(apiId)) return true;
  // So the client words it that a broker has no such topic, or not all of its partitions.
  if (code === "PLT_KFK_USER" && /^Unknown (topic|partition)\b/.test(String(message))) return true;
  return [...(Array.isArray(errors) ? errors : []), cause].some(isUnsettled);
}
