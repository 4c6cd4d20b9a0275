import { defaultProject } from "../../services/names.ts";
import type { Catalog } from "../catalog.ts";
import { migrate, requireCurrent } from "../migrations/migrate.ts";
import { adapterMarkStore } from "./adapter-marks.ts";
import { alertStore } from "./alerts.ts";
import { catalogContents } from "./contents.ts";
import { eventTypeStore } from "./event-types.ts";
import { executionStore } from "./executions.ts";
import { jobStore } from "./jobs.ts";
import { leaseStore } from "./leases.ts";
import { ledgerStore } from "./ledger.ts";
import { linkStore } from "./links.ts";
import { mappingStore } from "./mappings.ts";
import { outboxStore } from "./outbox.ts";
import { ensureProject, projectStore } from "./projects.ts";
import { replayStore } from "./replays.ts";
import { retentionStore } from "./retention.ts";
import { routingStore } from "./routing.ts";
import { runRequestStore } from "./run-requests.ts";
import { scheduleStore } from "./schedules.ts";
import { serviceStore } from "./services.ts";
import { inTransaction, type StoreContext } from "./store-context.ts";
import { webhookStore } from "./webhooks.ts";

/** The catalog on any database that Kysely speaks to: the schema brought up to date, or refused where it is not, and the stores over it. */
export async function openKyselyCatalog(context: StoreContext, migrates = true): Promise<Catalog> {
  const { db, traits } = context;
  try {
    await (migrates ? migrate : requireCurrent)(db as never, traits);
    await inTransaction(context, (tx, now) => ensureProject(tx, defaultProject, now));
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return {
    projects: projectStore(context),
    services: serviceStore(context),
    links: linkStore(context),
    mappings: mappingStore(context),
    routing: routingStore(context),
    runRequests: runRequestStore(context),
    leases: leaseStore(context),
    executions: executionStore(context),
    eventTypes: eventTypeStore(context),
    ledger: ledgerStore(context),
    outbox: outboxStore(context),
    schedules: scheduleStore(context),
    webhooks: webhookStore(context),
    adapterMarks: adapterMarkStore(context),
    jobs: jobStore(context),
    replays: replayStore(context),
    alerts: alertStore(context),
    retention: retentionStore(context),
    contents: catalogContents(context),
    // A change of nothing: what may only be read refuses it.
    check: async () => void (await db.deleteFrom("outbox").where("id", "=", -1).execute()),
    close: () => db.destroy(),
  };
}
