import type { ExecutionId } from "../../src/foundation/ids.ts";
import type { ServiceLimits } from "../../src/services/service-limits.ts";
import type { History } from "./history.ts";

const none: ServiceLimits = { concurrency: undefined, throttle: undefined, queue: undefined };

interface InForce {
  limits: ServiceLimits;
  /** Undefined while they are in force, or may be. */
  endedAt: number | undefined;
}

interface Service {
  limits: InForce[];
  /** Since its limits changed last. */
  starts: number[];
}

export interface LimitWitnessParts {
  history: History;
  now(): number;
  /** False where the database's clock jumps: no period can be held against it. */
  timesMatter: boolean;
}

/** Knows which limits each service has when something of it is claimed, and holds the claims against them (rule D4). */
export class LimitWitness {
  readonly #parts: LimitWitnessParts;
  readonly #services = new Map<string, Service>();

  constructor(parts: LimitWitnessParts) {
    this.#parts = parts;
  }

  /** While the change is under way either may be in force. */
  async changing<Result>(
    service: string,
    limits: ServiceLimits | undefined,
    change: () => Promise<Result>,
  ): Promise<Result> {
    if (limits === undefined) return change();
    const known = this.#of(service);
    const before = [...known.limits];
    const next: InForce = { limits, endedAt: undefined };
    known.limits.push(next);
    try {
      const result = await change();
      for (const former of before) former.endedAt ??= this.#parts.now();
      known.starts = [];
      return result;
    } catch (error) {
      known.limits = known.limits.filter((one) => one !== next);
      throw error;
    }
  }

  removing<Result>(service: string, change: () => Promise<Result>): Promise<Result> {
    return this.changing(service, none, change);
  }

  /** `live`: leases of the service, with this one. */
  claimed(service: string, { at, askedAt, live }: { at: number; askedAt: number; live: number }): void {
    const { history, timesMatter } = this.#parts;
    const known = this.#of(service);
    const inForce = known.limits.filter(({ endedAt }) => endedAt === undefined || endedAt >= askedAt);
    const concurrency = largest(inForce.map(({ limits }) => limits.concurrency));
    if (live > concurrency) history.violate("D4", `${live} leases of ${service} are live, its limit is ${concurrency}`);
    if (live === concurrency) history.reach("a service was at its concurrency");
    known.starts.push(at);
    const throttle = inForce.length === 1 ? inForce[0]?.limits.throttle : undefined;
    if (throttle === undefined || !timesMatter) return;
    const started = known.starts.filter((start) => start > at - throttle.periodMs).length;
    if (started === throttle.limit) history.reach("a throttle let no more start");
    if (started > throttle.limit) {
      const period = `${throttle.periodMs} ms`;
      history.violate("D4", `${started} runs of ${service} started within ${period}, its limit is ${throttle.limit}`);
    }
  }

  /** Of an execution that the platform skipped. */
  skipped(service: string, id: ExecutionId): void {
    const { history } = this.#parts;
    history.reach("a full queue skipped a run");
    if (this.#of(service).limits.every(({ limits }) => limits.queue === undefined)) {
      history.violate("D4", `execution ${id} of ${service} was skipped, which never had a queue limit`);
    }
  }

  #of(service: string): Service {
    const known = this.#services.get(service) ?? { limits: [], starts: [] };
    this.#services.set(service, known);
    return known;
  }
}

function largest(limits: readonly (number | undefined)[]): number {
  return Math.max(0, ...limits.map((limit) => limit ?? Number.POSITIVE_INFINITY)) || Number.POSITIVE_INFINITY;
}
