import type { DueJob, Job } from "../../src/catalog/jobs.ts";
import type { ScheduledService, ScheduleStep } from "../../src/catalog/schedules.ts";
import type { ExecutionId } from "../../src/foundation/ids.ts";
import type { History } from "./history.ts";

/**
 * Watches rule D18: each time of a schedule is run or recorded as missed, once, and never run twice;
 * each job runs once.
 */
export class ScheduleWitness {
  readonly #history: History;
  /** By service: nominal times run or missed since the schedule last began. */
  readonly #covered = new Map<string, Set<number>>();
  /** Service and nominal time of every run that was started. */
  readonly #ran = new Set<string>();
  readonly #jobs = new Map<string, { executionId: ExecutionId; done: boolean }>();

  constructor(history: History) {
    this.#history = history;
  }

  /** A deploy or a person may have begun the schedule anew, at the database's time. */
  interrupted(project: string, service: string): void {
    this.#covered.delete(`${project}/${service}`);
  }

  advanced({ project, service }: ScheduledService, { to, run, missed }: ScheduleStep, created: boolean): void {
    const name = `${project}/${service}`;
    const covered = this.#covered.get(name) ?? new Set<number>();
    this.#covered.set(name, covered);
    if (missed) this.#history.reach("times of a schedule were missed");
    // The schedules of a world come each minute.
    const times = missed ? Array.from({ length: missed.count }, (_, index) => missed.first + index * 60_000) : [];
    if (missed && times.at(-1) !== missed.last) this.#history.violate("D18", `${name} missed other than it says`);
    if (run) times.push(to);
    for (const time of times) {
      if (covered.has(time)) this.#history.violate("D18", `a time of ${name} was covered twice: ${time}`);
      covered.add(time);
    }
    if (!created) return;
    this.#history.reach("a schedule fired");
    const tick = `${name} ${to}`;
    if (this.#ran.has(tick)) this.#history.violate("D18", `a time of ${name} was run twice: ${to}`);
    this.#ran.add(tick);
  }

  asked({ id, executionId, status }: Job): void {
    const known = this.#jobs.get(id);
    if (known?.done && status === "pending") this.#history.violate("D18", `job ${id} was pending again`);
    if (known === undefined) this.#jobs.set(id, { executionId, done: false });
  }

  /** Answers the execution that asked for it. */
  started(id: DueJob["id"], { created }: { created: boolean }): ExecutionId | undefined {
    const job = this.#jobs.get(id);
    if (!created) return job?.executionId;
    this.#history.reach("a job was started");
    if (job === undefined) this.#history.violate("D18", `job ${id} was started and nobody asked for it`);
    else if (job.done) this.#history.violate("D18", `job ${id} was started twice`);
    else job.done = true;
    return job?.executionId;
  }

  cancelled(id: string): void {
    const job = this.#jobs.get(id);
    if (job) job.done = true;
  }
}
