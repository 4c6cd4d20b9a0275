import type { Bus } from "../bus/bus.ts";
import type { AttemptReport, ClaimedExecution, ClaimRequest, LeaseStore } from "../catalog/leases.ts";
import type { CatalogNews } from "../catalog/news.ts";
import { type Lane, type LaneWeights, lanes } from "../executions/lanes.ts";
import type { Clock, Timer } from "../foundation/clock.ts";
import { sleep } from "../foundation/clock.ts";
import { isPlatformError, messageOf } from "../foundation/errors.ts";
import { GroupCommit } from "../foundation/group-commit.ts";
import type { InstanceId } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { Loop } from "../foundation/loop.ts";
import { pauseAfter } from "../foundation/pause-after.ts";
import { Attempt, type AttemptParts } from "./attempt.ts";
import { ClaimedAhead } from "./claimed-ahead.ts";
import { Gathering } from "./gathering.ts";
import { laneOrders } from "./lane-orders.ts";
import { Outages } from "./outages.ts";
import { SlotPace } from "./slot-pace.ts";

export interface ExecutorParts extends Omit<AttemptParts, "outages" | "outputs"> {
  bus: Bus;
  leases: LeaseStore;
  /** Of a catalog that tells by itself that executions came: sooner than who made them can. */
  news?: CatalogNews | undefined;
  clock: Clock;
  log: Log;
  instance: InstanceId;
  /** Steps that may run at once. */
  slots: number;
  /** What begins within so many milliseconds, by the pace of late, is claimed before there are slots for it: many in one transaction. */
  aheadMs: number;
  laneWeights: LaneWeights;
  /** Longest wait when a wake-up was lost. */
  pollMs: number;
  /** Before a lease ends by the catalog's clock, scripts are gone by ours. */
  leaseMarginMs: number;
}

interface Ended {
  attempt: Attempt;
  report: AttemptReport;
}

const maxEndsPerCommit = 500;
/** While others wait for the slots hardly anybody waits for an output or an end: many are written together. */
const gatherOutputsMs = 10;
const gatherEndsMs = 25;
const enoughTogether = 24;
/** The first time; twice as long each time that it was in vain. */
const lookAgainMs = 5;
/** That runs began is told with the end of the first of them, or after so long: each batch costs the whole way to all who read it. */
const tellStartsMs = 50;
/** Attempts under way, those included that wait for a slot, and those whose end is not durable yet: so many for each slot, or in all. */
const maxHeldPerSlot = 4;
/** Runs of a millisecond have four slots claim and end as many in a transaction as twenty do. */
const maxHeldOfFewSlots = 96;

/**
 * Claims due executions from the catalog for the slots that are free or about to be, runs them, keeps their leases, and
 * reports how they ended. Any number may run; the catalog never gives one execution to two (rule D4).
 */
export class Executor {
  readonly #parts: ExecutorParts & AttemptParts;
  readonly #claiming: Loop;
  readonly #renewing: Loop;
  readonly #attempts = new Set<Attempt>();
  readonly #running = new Set<Promise<void>>();
  /** Of the next execution that waits for its time. */
  #dueTimer: Timer | undefined;
  #startsTimer: Timer | undefined;
  readonly #freeSlots: number[];
  readonly #pace: SlotPace;
  readonly #ahead: ClaimedAhead;
  readonly #endings: Gathering;
  readonly #ends: GroupCommit<Ended, boolean>;
  readonly #abandon = new AbortController();
  #unsubscribe: (() => void)[] = [];
  readonly #laneOrders: readonly (readonly Lane[])[];
  #claims = 0;
  /** Looks one after the other that came before their time by the catalog's clock, which may be behind ours. */
  #early = 0;
  /** The last claim found as many as it asked for, or something was told since it asked: only then a free slot is a reason to claim. */
  #mayFind = true;

  constructor(parts: ExecutorParts) {
    const outages = new Outages(parts.log);
    const { clock, log, pollMs, leaseMs } = parts;
    const gathering = { clock, isWorthwhile: () => this.#ahead.size > 0, enough: enoughTogether };
    this.#endings = new Gathering({ ...gathering, ms: gatherEndsMs });
    this.#parts = { ...parts, outages, outputs: new Gathering({ ...gathering, ms: gatherOutputsMs }) };
    this.#laneOrders = laneOrders(parts.laneWeights);
    this.#freeSlots = Array.from({ length: parts.slots }, (_, slot) => parts.slots - 1 - slot);
    this.#pace = new SlotPace(clock);
    this.#ahead = new ClaimedAhead({
      leases: parts.leases,
      clock,
      log,
      outages,
      abandoned: this.#abandon.signal,
      onGone: (gone) => {
        for (const attempt of gone) this.#attempts.delete(attempt);
        this.#look();
        parts.bus.signal("dispatch");
        // One that was to be cancelled is now, which somebody may wait for.
        this.#tell();
      },
    });
    this.#claiming = new Loop({ name: "claim", clock, log, idleMs: pollMs, work: (stopping) => this.#claim(stopping) });
    this.#renewing = new Loop({
      name: "renew leases",
      clock,
      log,
      idleMs: leaseMs / 3,
      maxPauseMs: leaseMs / 10,
      work: () => this.#renew(),
    });
    this.#ends = new GroupCommit((ends) => this.#finish(ends), maxEndsPerCommit);
  }

  start(): void {
    const { bus, news } = this.#parts;
    this.#unsubscribe = [
      bus.onSignal("dispatch", () => this.#look()),
      bus.onSignal("cancel", () => this.#renewing.wake()),
      news?.onChange((change) => change === "dispatch" && this.#look()) ?? (() => {}),
    ];
    this.#claiming.start();
    this.#renewing.start();
  }

  /** Attempts that were begun and whose end is not durable yet. */
  get busy(): number {
    return this.#running.size;
  }

  /**
   * Claims nothing more, gives back what was not begun, gives running steps `graceMs` to end by themselves, then stops them; they
   * count as lost and run again. Resolves when all are reported.
   */
  async stop(graceMs: number): Promise<void> {
    const { clock } = this.#parts;
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#claiming.stop();
    const ended = Promise.all([this.#ahead.giveBack(), ...this.#running]);
    const over = new AbortController();
    await Promise.race([ended, sleep(clock, graceMs, over.signal)]);
    over.abort();
    for (const attempt of this.#attempts) attempt.stop("shutdown");
    this.#abandon.abort();
    await ended;
    if (this.#startsTimer !== undefined) this.#tell();
    await this.#renewing.stop();
  }

  async #claim(stopping: AbortSignal): Promise<void> {
    const { clock, instance, leaseMs, leaseMarginMs } = this.#parts;
    while (!stopping.aborted) {
      const limit = this.#claimable();
      if (limit <= 0) return;
      const order = this.#laneOrders[this.#claims % this.#laneOrders.length] ?? lanes;
      // The lease began no later than the answer, so counting from the question is safe (rule D8).
      const askedAt = clock.monotonic();
      const ahead = Math.max(0, limit - this.#freeSlots.length);
      const claimed = await this.#ask({ owner: instance, lanes: order, limit, ahead, leaseMs });
      if (claimed.length === 0) return this.#wakeWhenDue();
      this.#early = 0;
      this.#claims += 1;
      this.#startsTimer ??= clock.setTimer(tellStartsMs, () => this.#tell());
      for (const execution of claimed) {
        const attempt = new Attempt(this.#parts, execution, askedAt + leaseMs - leaseMarginMs);
        this.#attempts.add(attempt);
        this.#ahead.add(attempt);
      }
      this.#begin();
      if (claimed.length < limit) return this.#wakeWhenDue();
    }
  }

  /** There is something to send in the outbox. */
  #tell(): void {
    this.#startsTimer?.cancel();
    this.#startsTimer = undefined;
    this.#parts.bus.signal("outbox");
  }

  async #ask(request: ClaimRequest): Promise<ClaimedExecution[]> {
    this.#mayFind = false;
    try {
      const claimed = await this.#parts.leases.claim(request);
      this.#mayFind ||= claimed.length === request.limit;
      return claimed;
    } catch (error) {
      this.#mayFind = true;
      throw error;
    }
  }

  /** Something may have come that can be claimed. */
  #look(): void {
    this.#mayFind = true;
    this.#claiming.wake();
  }

  /** There is room for more. */
  #goOn(): void {
    if (this.#mayFind) this.#claiming.wake();
  }

  /** How many to claim now. */
  #claimable(): number {
    const wanted = this.#freeSlots.length + this.#pace.within(this.#parts.aheadMs);
    // No sooner than half of what was claimed ahead is begun: a transaction costs the same, whatever is in it.
    if (this.#freeSlots.length === 0 && this.#ahead.size * 2 > wanted) return 0;
    // Those whose scripts have ended wait for the disk: where it does not keep up, no more are begun.
    const maxHeld = Math.max(maxHeldPerSlot * this.#parts.slots, maxHeldOfFewSlots);
    return Math.min(wanted - this.#ahead.size, maxHeld - this.#attempts.size);
  }

  /** As many as there are slots for. */
  #begin(): void {
    while (this.#freeSlots.length > 0) {
      const attempt = this.#ahead.take();
      if (attempt === undefined) return;
      const run = this.#run(attempt, this.#freeSlots.pop() as number).finally(() => this.#running.delete(run));
      this.#running.add(run);
    }
  }

  /** Sleeping until the poll would make a retry late that is due before it. */
  async #wakeWhenDue(): Promise<void> {
    const { clock, leases, pollMs } = this.#parts;
    const due = await leases.nextDue();
    if (due === undefined) return;
    const waitMs = due - clock.now();
    // It was asked ahead, for less than there is: a slot that comes free asks again.
    if (waitMs <= 0 && this.#freeSlots.length === 0) {
      this.#mayFind = true;
      return;
    }
    // One timer, not one for each look: they would all wake at once, look again and wait again.
    this.#dueTimer?.cancel();
    this.#dueTimer = undefined;
    // What has become due since the claim looked, or came a moment too early, is looked for once more.
    this.#early = waitMs > 0 ? 0 : this.#early + 1;
    const pauseMs = Math.max(waitMs, lookAgainMs * 2 ** Math.max(0, this.#early - 1));
    if (pauseMs < pollMs) this.#dueTimer = clock.setTimer(pauseMs, () => this.#look());
  }

  async #run(attempt: Attempt, slot: number): Promise<void> {
    let isFree = false;
    const free = () => {
      if (isFree) return;
      isFree = true;
      this.#freeSlots.push(slot);
      this.#pace.freed();
      this.#begin();
      this.#goOn();
    };
    try {
      // The next run of the slot begins while this one's output and end become durable.
      const report = await attempt.run(slot, free);
      if (report) {
        await this.#endings.join({ hurries: attempt.isAwaited });
        await this.#ends.add({ attempt, report });
      }
    } finally {
      this.#attempts.delete(attempt);
      free();
      this.#goOn();
    }
  }

  async #finish(ends: Ended[]): Promise<boolean[]> {
    const { bus, clock, leases, leaseMarginMs, log } = this.#parts;
    const reports = ends.map(({ report }) => report);
    for (let failures = 1; ; failures += 1) {
      try {
        // To tell others of each end would have every executor look for what is not there.
        const results = await leases.finish(reports, () => {
          this.#look();
          bus.signal("dispatch");
        });
        for (const { id, applied } of results) {
          if (!applied) log.warn({ execution: id }, "outcome dropped: the lease was lost meanwhile");
        }
        this.#tell();
        return results.map(({ applied }) => applied);
      } catch (error) {
        if (!isPlatformError(error) || !error.retryable) throw error;
        // Once the leases are over the reports are void: recovery has ended these attempts as lost.
        const areOver = ends.every(({ attempt }) => !attempt.isHeld(leaseMarginMs));
        if (areOver || this.#abandon.signal.aborted) {
          log.error(
            { error: messageOf(error), executions: reports.length },
            "outcomes could not be stored; the attempts will run again",
          );
          return reports.map(() => false);
        }
        if (failures === 1) log.warn({ error: messageOf(error) }, "could not store outcomes, will try again");
        await sleep(clock, pauseAfter(failures, { unitMs: 20, mostMs: 2000 }), this.#abandon.signal);
      }
    }
  }

  async #renew(): Promise<void> {
    const { clock, leases, leaseMs, leaseMarginMs } = this.#parts;
    const attempts = new Map([...this.#attempts].map((attempt) => [attempt.lease.id, attempt]));
    if (attempts.size === 0) return;
    const askedAt = clock.monotonic();
    const renewed = await leases.renew(
      [...attempts.values()].map(({ lease }) => lease),
      leaseMs,
    );
    for (const renewal of renewed) {
      const attempt = attempts.get(renewal.id);
      if (!renewal.held) attempt?.stop("lease-lost");
      else if (renewal.cancelRequested) attempt?.stop("cancelled");
      else attempt?.keepAlive(askedAt + leaseMs - leaseMarginMs);
    }
  }
}
