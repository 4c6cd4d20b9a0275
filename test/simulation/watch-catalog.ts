import type { Catalog } from "../../src/catalog/catalog.ts";
import type { RunRequest } from "../../src/catalog/run-requests.ts";
import type { CloudEvent } from "../../src/events/cloud-event.ts";
import type { ExecutionId, VersionId } from "../../src/foundation/ids.ts";
import type { ServiceVersion } from "../../src/services/service.ts";
import { serviceLimitsOf } from "../../src/services/service-limits.ts";
import type { History } from "./history.ts";
import type { LeaseWitness } from "./lease-witness.ts";
import type { LimitWitness } from "./limit-witness.ts";
import type { RoutingWitness } from "./routing-witness.ts";
import type { ScheduleWitness } from "./schedule-witness.ts";

interface Witnesses {
  routing: RoutingWitness;
  leases: LeaseWitness;
  schedules: ScheduleWitness;
  limits: LimitWitness;
  versions: ReadonlyMap<VersionId, Pick<ServiceVersion, "manifest">>;
  history: History;
}

/** The catalog with the world's witnesses between it and everybody: they see what was truly committed. */
export function watchCatalog(catalog: Catalog, witnesses: Witnesses): Catalog {
  const { routing, leases, schedules: witness, limits, versions, history } = witnesses;
  const { links, mappings, services, executions, runRequests, schedules, jobs, retention } = catalog;

  /** As that, and the service's schedule may begin anew. */
  const beginning = <Result>(project: string, name: string, change: () => Promise<Result>): Promise<Result> => {
    witness.interrupted(project, name);
    return afterLinkChange(change().finally(() => witness.interrupted(project, name)));
  };

  const requested = (
    run: Pick<RunRequest, "concurrencyKey"> & { event: CloudEvent },
    started: { executionId?: ExecutionId | undefined; created: boolean },
    asking?: ExecutionId,
  ) => {
    const { executionId, created } = started;
    if (executionId === undefined || !created) return;
    leases.created(executionId, run.concurrencyKey);
    const flow = run.event.correlationid ?? run.event.id;
    routing.startedByHand(executionId, asking === undefined ? { flow } : { flow, original: asking });
  };

  /** Reads links and mappings as they are after a change, so that decisions can be held against them. */
  const afterLinkChange = async <Result>(change: Promise<Result>): Promise<Result> => {
    const result = await change;
    routing.linksAre(await links.snapshot());
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
    mappings: {
      ...mappings,
      create: (mapping) => afterLinkChange(mappings.create(mapping)),
      update: (id, change) => afterLinkChange(mappings.update(id, change)),
      delete: (id) => afterLinkChange(mappings.delete(id)),
    },
    services: {
      ...services,
      deploy(version) {
        const deploy = () => services.deploy(version);
        const { project, name, manifest } = version;
        return beginning(project, name, () => limits.changing(`${project}/${name}`, serviceLimitsOf(manifest), deploy));
      },
      update(project, name, change) {
        const active = change.activeVersion && versions.get(change.activeVersion);
        const update = () => services.update(project, name, change);
        const changed = active && serviceLimitsOf(active.manifest);
        return beginning(project, name, () => limits.changing(`${project}/${name}`, changed, update));
      },
      async delete(project, name, options) {
        const remove = () => services.delete(project, name, options);
        const deleted = await beginning(project, name, () => limits.removing(`${project}/${name}`, remove));
        // Its pending executions ended with it, its running ones were asked to stop.
        const { items } = await executions.list({ service: `${project}/${name}` }, { limit: 1000 });
        for (const { id, status } of items) {
          if (status === "cancelled") leases.ended(id, status);
          if (status === "in_progress") leases.cancelRequested(id);
        }
        return deleted;
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
      async move(id, lane) {
        const moved = await executions.move(id, lane);
        history.reach("a run was moved to another lane");
        return moved;
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
        const started = await runRequests.request(run);
        requested(run, started);
        if (!started.created) history.reach("a run request was repeated");
        return started;
      },
    },
    schedules: {
      ...schedules,
      async advance(schedule, step) {
        const advanced = await schedules.advance(schedule, step);
        if (advanced === undefined) return undefined;
        witness.advanced(schedule, step, advanced.created);
        if (step.run) requested(step.run, advanced);
        return advanced;
      },
    },
    jobs: {
      ...jobs,
      async put(lease, at, parameters) {
        const job = await jobs.put(lease, at, parameters);
        witness.asked(job);
        return job;
      },
      async start(job, run) {
        const started = await jobs.start(job, run);
        requested({ ...run, event: job.event }, started, witness.started(job.id, started));
        return started;
      },
      async cancel(id) {
        await jobs.cancel(id);
        witness.cancelled(id);
      },
    },
    retention: {
      alone: (work) => retention.alone(work),
      async prune(ages, limit) {
        const count = await retention.prune(ages, limit);
        if (count > 0) history.reach("history was pruned");
        return count;
      },
    },
  };
}
