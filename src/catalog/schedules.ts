/** Where each schedule has come to. The cron expression itself is the manifest's. */
export interface ScheduleStore {
  /** Active services whose active version has a schedule. */
  list(): Promise<ScheduledService[]>;
  /** Remembers the latest nominal time fired; never moves backwards. */
  advance(schedule: { project: string; service: string; firedAt: number }): Promise<void>;
}

export interface ScheduledService {
  project: string;
  service: string;
  version: string;
  cron: string;
  timezone: string;
  priority: number;
  /** The manifest's CEL expression, see services/concurrency-key.ts. */
  concurrencyKey: string | undefined;
  /** Nominal time last fired; before that, when the schedule was first deployed. Milliseconds since the epoch. */
  since: number;
}
