import { PlatformError } from "../../src/foundation/errors.ts";
import type { FaultRates } from "./faults.ts";
import type { History } from "./history.ts";
import type { Domain, Scheduler } from "./scheduler.ts";
import type { SeededRandom } from "./seeded-random.ts";

export interface Faults {
  scheduler: Scheduler;
  random: SeededRandom;
  history: History;
  /** Read at every call: healing the world changes it. */
  rates(): FaultRates;
  /** Whether what a call goes to is away for everybody. */
  isAway(name: string): boolean;
  /** Called before and after the n-th call of the world; a test may kill the process there. */
  onCall?(moment: "before" | "after", domain: Domain, name: string): void;
}

type Method = (...args: unknown[]) => unknown;

/**
 * A port as one simulated process reaches it. Every asynchronous method yields to the scheduler before
 * it acts and again before it answers, so that a kill falls before the call, or between what it
 * committed and its answer. `own` replaces methods that are not plain calls.
 */
export function faultyPort<Port extends object>(
  faults: Faults,
  domain: Domain,
  name: string,
  target: Port,
  own: Partial<Port> = {},
): Port {
  const methods = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(_, key) {
      if (key === "then") return undefined;
      if (key in own) return own[key as keyof Port];
      let method = methods.get(key);
      if (method === undefined) {
        const value = target[key as keyof Port] as unknown;
        method =
          typeof value === "function"
            ? (...args: unknown[]) =>
                call(faults, domain, `${name}.${String(key)}`, () => (value as Method).apply(target, args))
            : typeof value === "object" && value !== null
              ? faultyPort(faults, domain, `${name}.${String(key)}`, value)
              : value;
        methods.set(key, method);
      }
      return method;
    },
  });
}

/** One call with its faults. Never settles once the domain is dead. */
export async function call<Result>(
  faults: Faults,
  domain: Domain,
  name: string,
  work: () => Result | Promise<Result>,
  /** False for a call whose answer comes from its own process's memory. */
  answerMayBeLost = true,
): Promise<Result> {
  const { scheduler, random, history } = faults;
  const rates = faults.rates();
  if (random.chance(rates.slow)) await scheduler.sleep(domain, random.fraction() * rates.slowMs);
  faults.onCall?.("before", domain, name);
  await scheduler.yield(domain);
  if (faults.isAway(name)) {
    history.reach("a call met a backbone that was away");
    throw new PlatformError("unavailable", `${name}: away by the simulation`);
  }
  if (random.chance(rates.refused)) {
    history.reach("a call failed before it did anything");
    history.trace(scheduler.nowMs, domain.name, `${name} refused`);
    throw new PlatformError("unavailable", `${name}: refused by the simulation`);
  }
  history.trace(scheduler.nowMs, domain.name, name);
  const answerLost = random.chance(rates.answerLost) && answerMayBeLost;
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    await scheduler.yield(domain);
    throw error;
  }
  domain.unanswered += 1;
  faults.onCall?.("after", domain, name);
  await scheduler.yield(domain);
  domain.unanswered -= 1;
  if (answerLost) {
    history.reach("a call failed after it was committed");
    throw new PlatformError("timeout", `${name}: its answer was lost by the simulation`);
  }
  return result;
}
