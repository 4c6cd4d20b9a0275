import type { Catalog } from "../../src/catalog/catalog.ts";
import type { History } from "./history.ts";
import type { LeaseWitness } from "./lease-witness.ts";
import type { RoutingWitness } from "./routing-witness.ts";

interface Witnesses {
  routing: RoutingWitness;
  leases: LeaseWitness;
  history: History;
}

/** The catalog with the world's witnesses between it and everybody: they see what was truly committed. */
export function watchCatalog(catalog: Catalog, { routing, leases, history }: Witnesses): Catalog {
  const { links, services, executions, runRequests, retention } = catalog;

  /** Reads the links as they are after a change, so that decisions can be held against them. */
  const afterLinkChange = async <Result>(change: Promise<Result>): Promise<Result> => {
    const result = await change;
    const snapshot = await links.snapshot();
    routing.linksAre(snapshot.epoch, snapshot.links);
    return result;
  };

  return {
    ...catalog,
    routing: routing.tap(catalog.routing),
    leases: leases.tap(catalog.leases),
    links: {
      ...links,
      create: (link) => afterLinkChange(links.create(link)),
      update: (id, change) => afterLinkChange(links.update(id, change)),
      delete: (id) => afterLinkChange(links.delete(id)),
    },
    services: {
      ...services,
      deploy: (version) => afterLinkChange(services.deploy(version)),
      update: (project, name, change) => afterLinkChange(services.update(project, name, change)),
      async delete(project, name) {
        await afterLinkChange(services.delete(project, name));
        // Its pending executions ended with it, its running ones were asked to stop.
        const { items } = await executions.list({ service: `${project}/${name}` }, { limit: 1000 });
        for (const { id, status } of items) {
          if (status === "cancelled") leases.ended(id, status);
          if (status === "in_progress") leases.cancelRequested(id);
        }
      },
    },
    executions: {
      ...executions,
      async cancel(id) {
        const cancelled = await executions.cancel(id);
        if (cancelled.status === "cancelled") leases.ended(id, "cancelled");
        else {
          leases.cancelRequested(id);
          history.reach("a running execution was cancelled");
        }
        return cancelled;
      },
      async skip(id) {
        const skipped = await executions.skip(id);
        history.reach("a pending execution was skipped");
        leases.ended(id, "skipped");
        return skipped;
      },
      async retry(id, options) {
        const existing = await executions.get(options.newId);
        const retried = await executions.retry(id, options);
        if (existing === undefined) leases.created(retried.id, retried.concurrencyKey);
        routing.startedByHand(retried.id, { flow: retried.correlationId, original: id });
        history.reach("a person retried an execution");
        return retried;
      },
    },
    runRequests: {
      async request(run) {
        const { executionId, created } = await runRequests.request(run);
        if (created) {
          leases.created(executionId, run.concurrencyKey);
          routing.startedByHand(executionId, { flow: run.event.correlationid ?? run.event.id });
        } else history.reach("a run request was repeated");
        if (created && run.trigger === "schedule") history.reach("a schedule fired");
        return { executionId, created };
      },
    },
    retention: {
      async prune(ages, limit) {
        const count = await retention.prune(ages, limit);
        if (count > 0) history.reach("history was pruned");
        return count;
      },
    },
  };
}
