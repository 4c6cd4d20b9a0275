import type { Figures } from "./rounds.ts";

export interface Bench {
  name: string;
  title: string;
  run(options: BenchOptions): Promise<Report>;
}

export interface BenchOptions {
  /** Each contender is measured so often, in turn with the others; the median counts. */
  rounds: number;
  /** Lines of logs to search; absent: a number that is quickly stored. */
  lines?: number | undefined;
  /** Runs that wait at once; absent: ten thousand. */
  runs?: number | undefined;
  /** Says what is going on; not part of the report. */
  note(text: string): void;
}

export interface Report {
  /** What the model of bench/scaling reads, by what was measured. */
  figures?: Readonly<Record<string, Figures>>;
  title: string;
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
  /** What was measured, and what the figures leave out. */
  remarks: readonly string[];
}
