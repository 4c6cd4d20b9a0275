import type { AttemptReport, ClaimedExecution, ClaimRequest, LeaseStore } from "../../src/catalog/leases.ts";
import { type Execution, type ExecutionStatus, maxLosses } from "../../src/executions/execution.ts";
import type { ExecutionId, InstanceId, VersionId } from "../../src/foundation/ids.ts";
import { type Manifest, retriesOf } from "../../src/services/manifest.ts";
import type { History } from "./history.ts";
import type { LimitWitness } from "./limit-witness.ts";

interface Lease {
  owner: InstanceId;
  token: number;
  until: number;
  live: boolean;
  attempt: number;
  losses: number;
  version: VersionId;
  service: string;
  concurrencyKey: string | undefined;
  cancelRequested: boolean;
}

export interface LeaseWitnessParts {
  history: History;
  /** The database's clock. */
  now(): number;
  manifestOf(version: VersionId): Manifest | undefined;
  limits: LimitWitness;
  /** Whether a full queue has skipped it, or it is gone for its age: nothing tells the witness when. */
  isOver(id: ExecutionId): Promise<boolean>;
  /** Processes and the other engines do their work, so that no attempt has a reason to leave unsent what it sends (rule D7). */
  onlyTheBusFails: boolean;
  /** An attempt was recorded as completed. */
  completed(id: ExecutionId, attempt: number): void;
}

/**
 * Watches the lease store from its own side, where what was committed is known, and checks each
 * answer against a model of leases: one live lease, tokens that grow, terminal states for ever.
 */
export class LeaseWitness {
  readonly #parts: LeaseWitnessParts;
  readonly #leases = new Map<string, Lease>();
  readonly terminal = new Map<string, ExecutionStatus>();
  /** Unfinished executions of each concurrency key, in the order they came to be (rule D5). */
  readonly #queues = new Map<string, string[]>();
  readonly #released = new Map<string, number>();

  constructor(parts: LeaseWitnessParts) {
    this.#parts = parts;
  }

  created(id: string, concurrencyKey: string | undefined): void {
    if (concurrencyKey === undefined) return;
    const queue = this.#queues.get(concurrencyKey);
    if (queue) queue.push(id);
    else this.#queues.set(concurrencyKey, [id]);
  }

  /** A terminal state was committed, or seen. */
  ended(id: string, status: ExecutionStatus): void {
    const before = this.terminal.get(id);
    if (before !== undefined && before !== status) {
      this.#parts.history.violate("D6", `execution ${id} was ${before} and became ${status}`);
    }
    this.terminal.set(id, status);
    const lease = this.#leases.get(id);
    if (lease) lease.live = false;
  }

  /** A person asked a running execution to stop: any end but success cancels it. */
  cancelRequested(id: string): void {
    const lease = this.#leases.get(id);
    if (lease?.live) lease.cancelRequested = true;
  }

  seen(id: string, status: ExecutionStatus): void {
    const before = this.terminal.get(id);
    if (before !== undefined && before !== status) {
      this.#parts.history.violate("D6", `execution ${id} was ${before} and is shown as ${status}`);
    }
  }

  tap(store: LeaseStore): LeaseStore {
    const { history, now } = this.#parts;
    return {
      claim: async (request) => {
        const askedAt = now();
        const claimed = await store.claim(request);
        for (const one of claimed) this.#claimed(one, request, askedAt);
        for (const { execution } of claimed) await this.#checkHead(execution);
        if (claimed.length > request.limit) history.violate("D4", "more executions were claimed than asked for");
        return claimed;
      },
      renew: async (leases, leaseMs) => {
        const askedAt = now();
        const renewed = await store.renew(leases, leaseMs);
        for (const [index, answer] of renewed.entries()) {
          const asked = leases[index];
          const lease = this.#leases.get(answer.id);
          const current = lease?.live === true && lease.token === asked?.token;
          if (answer.held && !current) history.violate("D8", `a lease of ${answer.id} was renewed under an old token`);
          if (!answer.held) {
            history.reach("a lease was found lost at renewal");
            if (current && lease.until > now()) history.violate("D8", `the live lease of ${answer.id} was not renewed`);
          } else if (lease) {
            if (answer.lease.until < askedAt + leaseMs - 1) {
              history.violate("D8", `a lease of ${answer.id} was renewed for less than asked`);
            }
            lease.until = answer.lease.until;
          }
        }
        return renewed;
      },
      recordSteps: (records) => store.recordSteps(records),
      finish: async (reports, onClaimable) => {
        const results = await store.finish(reports, onClaimable);
        for (const [index, { id, applied }] of results.entries())
          this.#finished(id, applied, reports[index] as AttemptReport);
        return results;
      },
      release: async (leases) => {
        const current = leases.filter(({ id, token }) => this.#isCurrent(id, token));
        await store.release(leases);
        for (const { id } of current) {
          history.reach("an attempt that waited for a slot was given back");
          const lease = this.#leases.get(id) as Lease;
          lease.live = false;
          if (lease.cancelRequested) this.ended(id, "cancelled");
          else this.#released.set(id, lease.attempt);
        }
      },
      expire: async (limit) => {
        const expired = await store.expire(limit);
        for (const { id, token, became } of expired) {
          history.reach("a lease expired");
          const lease = this.#leases.get(id);
          if (!lease?.live || lease.token !== token)
            history.violate("D8", `a lease of ${id} expired that was not live`);
          else if (lease.until > now())
            history.violate("D8", `the lease of ${id} expired early, by ${lease.until - now()} ms`);
          this.#lost(id, became);
        }
        return expired;
      },
      expireOthers: async (owners) => {
        const before = [...this.#leases].filter(([, lease]) => lease.live && !owners.includes(lease.owner));
        const count = await store.expireOthers(owners);
        if (count > 0) history.reach("leases of an earlier boot were expired at once");
        if (count !== before.length) {
          history.violate("D8", `a restart expired ${count} leases of earlier boots, there were ${before.length}`);
        }
        for (const [id] of before) this.#lost(id, undefined);
        return count;
      },
      nextDue: (which) => store.nextDue(which),
    };
  }

  #isCurrent(id: string, token: number): boolean {
    const lease = this.#leases.get(id);
    return lease?.live === true && lease.token === token;
  }

  #claimed({ execution }: ClaimedExecution, { owner, leaseMs, except = [] }: ClaimRequest, askedAt: number): void {
    const { history, limits } = this.#parts;
    const { id, attempt, losses, lease, concurrencyKey, version } = execution;
    const service = `${execution.project}/${execution.service}`;
    const before = this.#leases.get(id);
    if (before?.live) history.violate("D4", `execution ${id} was claimed while its lease was live`);
    if (before && lease.token <= before.token) history.violate("D8", `the token of ${id} did not grow`);
    if (this.terminal.has(id)) history.violate("D6", `execution ${id} was claimed after it ended`);
    if (lease.until < askedAt + leaseMs) history.violate("D8", `the lease of ${id} is shorter than asked for`);
    if (except.some((other) => `${other.project}/${other.service}` === service)) {
      history.violate("D4", `execution ${id} is of ${service}, from which nothing was to be claimed`);
    }
    if (lease.owner !== owner) history.violate("D8", `the lease of ${id} names another owner`);
    const released = this.#released.get(id);
    this.#released.delete(id);
    const expectedAttempt = released ?? (before?.attempt ?? 0) + 1;
    if (attempt !== expectedAttempt) {
      history.violate("D6", `execution ${id} was claimed as attempt ${attempt}, not ${expectedAttempt}`);
    }
    if (losses !== (before?.losses ?? 0)) {
      history.violate("D7", `execution ${id} has ${losses} losses, not ${before?.losses ?? 0}`);
    }
    const facts = { version, service, concurrencyKey };
    this.#leases.set(id, { ...lease, ...facts, live: true, attempt, losses, cancelRequested: false });
    const live = [...this.#leases.values()].filter((other) => other.live && other.service === service).length;
    limits.claimed(service, { at: lease.until - leaseMs, askedAt, live });
  }

  async #checkHead({ id, concurrencyKey }: Pick<Execution, "id" | "concurrencyKey">): Promise<void> {
    if (concurrencyKey === undefined) return;
    const queue = (this.#queues.get(concurrencyKey) ?? []).filter((other) => !this.terminal.has(other));
    this.#queues.set(concurrencyKey, queue);
    const place = queue.indexOf(id);
    for (const earlier of queue.slice(0, Math.max(0, place))) {
      if (await this.#parts.isOver(earlier as ExecutionId)) continue;
      this.#parts.history.violate("D5", `execution ${id} overtook ${earlier} of its key ${concurrencyKey}`);
    }
    if (queue.length > 1) this.#parts.history.reach("a concurrency key held back a later execution");
  }

  #finished(id: string, applied: boolean, report: AttemptReport): void {
    const { history, manifestOf, onlyTheBusFails, completed, now } = this.#parts;
    const lease = this.#leases.get(id);
    const current = this.#isCurrent(id, report.token);
    if (!current) history.reach("a finish came with an old token");
    if (applied && !current) history.violate("D8", `a finish of ${id} was applied under an old token`);
    if (!applied && current && lease && lease.until > now()) {
      history.violate("D8", `a finish of ${id} under its live lease was refused`);
    }
    if (!applied || lease === undefined) return;
    const { outcome } = report;
    switch (outcome.kind) {
      case "completed":
        this.ended(id, "completed");
        completed(id as ExecutionId, lease.attempt);
        return;
      case "cancelled":
        this.ended(id, "cancelled");
        return;
      case "lost":
        if (onlyTheBusFails && outcome.error.message.includes("could not be stored")) {
          history.violate("D7", `an attempt of ${id} was lost: ${outcome.error.message}`);
        }
        this.#lost(id, undefined);
        return;
      case "failed": {
        lease.live = false;
        const retries = retriesOf(manifestOf(lease.version) ?? ({ retries: 0 } as Manifest)).count;
        const failures = lease.attempt - lease.losses;
        if (outcome.retryInMs !== undefined) {
          history.reach("an attempt failed and was retried");
          if (lease.cancelRequested) this.ended(id, "cancelled");
          else if (failures > retries) history.violate("D7", `execution ${id} was retried past its ${retries} retries`);
          return;
        }
        if (outcome.error.kind !== "start" && failures <= retries) {
          history.violate(
            "D7",
            `execution ${id} failed after ${failures} failures and ${lease.losses} losses, with ${retries} retries`,
          );
        }
        this.ended(id, "failed");
      }
    }
  }

  /** `became` is undefined where the store's answer does not tell. */
  #lost(id: string, became: "pending" | "failed" | "cancelled" | undefined): void {
    const { history, manifestOf } = this.#parts;
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    lease.live = false;
    lease.losses += 1;
    const final = manifestOf(lease.version)?.on_lost === "fail" || lease.losses >= maxLosses;
    const expected = lease.cancelRequested ? "cancelled" : final ? "failed" : "pending";
    if (lease.losses >= maxLosses) history.reach("an execution failed after too many losses");
    if (became !== undefined && became !== expected) {
      history.violate("D7", `execution ${id} was lost ${lease.losses} times and became ${became}, not ${expected}`);
    }
    if (expected !== "pending") this.ended(id, expected);
  }
}
