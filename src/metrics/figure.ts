export const metricKinds = ["gauge", "counter"] as const;
/** A gauge is what it is at a time; a counter only grows, and what is told of it is how fast. */
export type MetricKind = (typeof metricKinds)[number];

export type Labels = Readonly<Record<string, string>>;

export interface Measured {
  labels?: Labels;
  value: number;
}

/** Something that can be measured of this process at any time. */
export interface Figure {
  /** As Prometheus names them: letters, digits and underscores, with the unit at its end. */
  name: string;
  help: string;
  kind: MetricKind;
  labelNames?: readonly string[];
  /** It is of the whole installation: each process that reads it finds the same. */
  isShared?: boolean;
  /** Measured now and then, and kept for later: reading it must cost little. */
  isKept: boolean;
  read(): readonly Measured[] | Promise<readonly Measured[]>;
}
