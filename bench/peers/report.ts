import type { Report } from "../support/bench.ts";
import { type Round, summaryOf } from "./measure.ts";
import type { Missed, Peer } from "./peer.ts";

export interface Outcome {
  peer: Peer;
  versions: string;
  /** As many as have succeeded. */
  rounds: Round[];
}

export function speedReport(outcomes: readonly Outcome[], missed: readonly Missed[]): Report {
  return {
    title: "Speed",
    columns: ["", "jobs/s", "first line p50 ms", "p99 ms", "40 x fib(10), s", "10 x fib(33), s"],
    rows: outcomes.map(({ peer, rounds }) => {
      const { jobsPerSecond, p50Ms, p99Ms, lightFlow, heavyFlow } = summaryOf(rounds);
      return [peer.title, jobsPerSecond, p50Ms, p99Ms, lightFlow, heavyFlow];
    }),
    remarks: missed.map(({ name, why }) => `MISSED ${name}: ${why.split("\n")[0]}`),
  };
}

export function traitsReport(outcomes: readonly Outcome[]): Report {
  return {
    title: "What each does",
    columns: ["", "between two jobs", "on disk before the answer", "kept of a job", "UI", "versions"],
    rows: outcomes.map(({ peer: { title, traits }, versions }) => [
      title,
      traits.isolation,
      traits.durable,
      traits.kept,
      traits.ui,
      versions,
    ]),
    remarks: [],
  };
}
