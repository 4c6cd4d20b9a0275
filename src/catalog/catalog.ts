import type { PlatformError } from "../foundation/errors.ts";
import type { AdapterMarkStore } from "./adapter-marks.ts";
import type { AlertStore } from "./alerts.ts";
import type { CatalogContents } from "./contents.ts";
import type { EventTypeStore } from "./event-types.ts";
import type { ExecutionStore } from "./executions.ts";
import type { JobStore } from "./jobs.ts";
import type { LeaseStore } from "./leases.ts";
import type { LedgerStore } from "./ledger.ts";
import type { LinkStore } from "./links.ts";
import type { MappingStore } from "./mappings.ts";
import type { CatalogNews } from "./news.ts";
import type { OutboxStore } from "./outbox.ts";
import type { ProjectStore } from "./projects.ts";
import type { ReplayStore } from "./replays.ts";
import type { RetentionStore } from "./retention.ts";
import type { RoutingStore } from "./routing.ts";
import type { RunRequestStore } from "./run-requests.ts";
import type { ScheduleStore } from "./schedules.ts";
import type { ServiceStore } from "./services.ts";
import type { WebhookStore } from "./webhooks.ts";

/**
 * The manager database: it alone decides what runs, where and when. Several small stores over one
 * database; every method is one transaction, and its clock is the database's (rule D8).
 *
 * Whoever changes something that others wait for learns it from the result and signals the bus.
 */
export interface Catalog {
  projects: ProjectStore;
  services: ServiceStore;
  links: LinkStore;
  mappings: MappingStore;
  routing: RoutingStore;
  runRequests: RunRequestStore;
  leases: LeaseStore;
  executions: ExecutionStore;
  eventTypes: EventTypeStore;
  ledger: LedgerStore;
  outbox: OutboxStore;
  schedules: ScheduleStore;
  webhooks: WebhookStore;
  adapterMarks: AdapterMarkStore;
  jobs: JobStore;
  replays: ReplayStore;
  alerts: AlertStore;
  retention: RetentionStore;
  /** Why it refuses everything until a new start; undefined: it does not. */
  failure?(): PlatformError | undefined;
  contents: CatalogContents;
  /** Undefined where this process is the only one. */
  news?: CatalogNews | undefined;
  /** Rejects where it takes nothing new at the moment, though it may be read: as a server that is another's copy now. */
  check(): Promise<void>;
  close(): Promise<void>;
}
