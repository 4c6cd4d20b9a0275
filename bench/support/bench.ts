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
  /** Says what is going on; not part of the report. */
  note(text: string): void;
}

export interface Report {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly (string | number)[])[];
  /** What was measured, and what the figures leave out. */
  remarks: readonly string[];
}
