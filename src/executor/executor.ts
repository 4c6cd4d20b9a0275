import type { Bus } from "../bus/bus.ts";
import type { AttemptReport, ClaimRequest, LeaseStore } from "../catalog/leases.ts";
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
import { Relief } from "./relief.ts";
import { SlotPace } from "./slot-pace.ts";
import { Slots } from "./slots.ts";

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
  /** Steps that may run beside these, of services that have none here, while long runs of others hold all slots. */
  reliefSlots: number;
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
  readonly #slots: Slots;
  readonly #relief: Relief;
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
  #relieved = 0;
  /** The last claim found as many as it asked for, or something was told since it asked: only then a free slot is a reason to claim. */
  #mayFind = true;

  constructor(parts: ExecutorParts) {
    const outages = new Outages(parts.log);
    const { clock, log, pollMs, leaseMs } = parts;
    const gathering = { clock, isWorthwhile: () => this.#ahead.size > 0, enough: enoughTogether };
    this.#endings = new Gathering({ ...gathering, ms: gatherEndsMs });
    this.#parts = { ...parts, outages, outputs: new Gathering({ ...gathering, ms: gatherOutputsMs }) };
    this.#laneOrders = laneOrders(parts.laneWeights);
    this.#slots = new Slots(parts);
    this.#relief = new Relief({ clock, slots: this.#slots, onDue: () => this.#claiming.wake() });
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

  /** Runs that began beside the slots. */
  get relieved(): number {
    return this.#relieved;
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
    this.#relief.stop();
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
    while (!stopping.aborted) {
      if (!((await this.#claimForSlots()) || (await this.#relieve()))) return;
    }
  }

  /** Answers whether there may be more. */
  async #claimForSlots(): Promise<boolean> {
    const limit = this.#claimable();
    if (limit <= 0) return false;
    const ahead = Math.max(0, limit - this.#slots.free);
    this.#mayFind = false;
    const attempts = await this.#ask({ limit, ahead }).catch((error: unknown) => {
      this.#mayFind = true;
      throw error;
    });
    for (const attempt of attempts) this.#ahead.add(attempt);
    this.#begin();
    if (attempts.length === limit) {
      this.#mayFind = true;
      return true;
    }
    await this.#wakeWhenDue("any");
    return false;
  }

  /** Begins a run of a service that has none here, where it is time for that. Answers whether there may be more. */
  async #relieve(): Promise<boolean> {
    if (this.#attempts.size >= this.#maxHeld || !this.#relief.isDue()) return false;
    const waiting = this.#ahead.take(({ service }) => !this.#slots.isUsedBy(service));
    const attempt = waiting ?? (await this.#ask({ limit: 1, except: this.#slots.users }))[0];
    if (attempt) {
      // A slot may have come free while the catalog was asked.
      if (this.#slots.hasRelief) this.#relieved += 1;
      this.#start(attempt);
      this.#mayFind = true;
      return true;
    }
    this.#relief.inVain();
    // What can be claimed is of who has runs here.
    await this.#wakeWhenDue("later");
    return false;
  }

  /** There is something to send in the outbox. */
  #tell(): void {
    this.#startsTimer?.cancel();
    this.#startsTimer = undefined;
    this.#parts.bus.signal("outbox");
  }

  async #ask(request: Pick<ClaimRequest, "limit" | "ahead" | "except">): Promise<Attempt[]> {
    const { clock, instance, leases, leaseMs, leaseMarginMs } = this.#parts;
    const order = this.#laneOrders[this.#claims % this.#laneOrders.length] ?? lanes;
    // The lease began no later than the answer, so counting from the question is safe (rule D8).
    const askedAt = clock.monotonic();
    const claimed = await leases.claim({ owner: instance, lanes: order, leaseMs, ...request });
    if (claimed.length === 0) return [];
    this.#early = 0;
    this.#claims += 1;
    this.#startsTimer ??= clock.setTimer(tellStartsMs, () => this.#tell());
    const attempts = claimed.map((one) => new Attempt(this.#parts, one, askedAt + leaseMs - leaseMarginMs));
    for (const attempt of attempts) this.#attempts.add(attempt);
    return attempts;
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
    const wanted = this.#slots.free + this.#pace.within(this.#parts.aheadMs);
    // No sooner than half of what was claimed ahead is begun: a transaction costs the same, whatever is in it.
    if (this.#slots.free === 0 && this.#ahead.size * 2 > wanted) return 0;
    return Math.min(wanted - this.#ahead.size, this.#maxHeld - this.#attempts.size);
  }

  /** Those whose scripts have ended wait for the disk: where it does not keep up, no more are begun. */
  get #maxHeld(): number {
    return Math.max(maxHeldPerSlot * this.#parts.slots, maxHeldOfFewSlots);
  }

  /** As many as there are slots for. */
  #begin(): void {
    while (this.#slots.free > 0) {
      const attempt = this.#ahead.take();
      if (attempt === undefined) return;
      this.#start(attempt);
    }
  }

  #start(attempt: Attempt): void {
    const run = this.#run(attempt, this.#slots.take(attempt.service)).finally(() => this.#running.delete(run));
    this.#running.add(run);
  }

  /** Sleeping until the poll would make a retry late that is due before it. */
  async #wakeWhenDue(which: "any" | "later"): Promise<void> {
    const { clock, leases, pollMs } = this.#parts;
    const due = await leases.nextDue(which);
    if (due === undefined) return;
    const waitMs = due - clock.now();
    // It was asked ahead, for less than there is: a slot that comes free asks again.
    if (which === "any" && waitMs <= 0 && this.#slots.free === 0) {
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
      this.#slots.leave(slot);
      // Where the run was one beside the slots, these are still all taken.
      if (this.#slots.free > 0) this.#pace.freed();
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
