import { threadIdleTime } from "../foundation/turn.ts";
import { LeaseRecovery } from "../recovery/lease-recovery.ts";
import { Router } from "../router/router.ts";
import type { Part, PartsOptions } from "./part.ts";

/** With the router goes what its chains need to go on: attempts that were lost. */
export function routerParts({ settings, stores, clock, ids, log }: PartsOptions): Part[] {
  const { bus, catalog } = stores;
  const { pollMs } = settings.recovery;
  return [
    new Router({
      bus,
      catalog,
      clock,
      ids,
      log,
      limits: { ...settings.limits, dedupeWindowMs: settings.retention.ledgerMs },
      batchSize: settings.router.batchSize,
      idleTime: threadIdleTime,
    }),
    new LeaseRecovery({ bus, leases: catalog.leases, clock, log, pollMs }),
  ];
}
