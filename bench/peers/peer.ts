import type { Stage } from "./support/stage.ts";

/** What a contender gives besides speed; a column each. */
export interface Traits {
  /** What lies between one job and the next. */
  isolation: string;
  /** Whether a job is on disk when its sender is answered. */
  durable: string;
  /** What can be read later of a job: what it printed, what it returned. */
  kept: string;
  ui: string;
}

export interface Peer {
  name: string;
  title: string;
  traits: Traits;
  /** Jobs of a burst: a few seconds of work. */
  burstJobs: number;
  /** Brings what is missing into the cache, and resolves to what it is, with versions. Throws where it cannot be had. */
  install(): Promise<string>;
  /** Starts it on the loopback, with nothing stored; the stage ends whatever it started. */
  start(stage: Stage): Promise<Running>;
}

/** A job prints one line with its number, and the moment. Numbers are never used twice. */
export interface Running {
  /** Queues the jobs as quickly as it can. Milliseconds from the first call until the system holds all as completed. */
  burst(first: number, jobs: number): Promise<number>;
  /** Queues a job every so often. Milliseconds from before each call until the job's own first line, by one clock. */
  paced(first: number, jobs: number, everyMs: number): Promise<number[]>;
  /** One flow whose steps compute `fib(n)`, each after the other. Milliseconds from the call until it is completed. */
  flow(steps: number, n: number): Promise<number>;
}

/** What could not be had or did not work, and why. */
export interface Missed {
  name: string;
  why: string;
}
