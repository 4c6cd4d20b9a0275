import { EnvironmentKeeper } from "../recovery/environment-keeper.ts";
import { OutboxPublisher } from "../recovery/outbox-publisher.ts";
import { executorParts } from "./executor-parts.ts";
import { managerParts } from "./manager-parts.ts";
import type { Part, PartsOptions } from "./part.ts";
import type { Role } from "./roles.ts";
import { routerParts } from "./router-parts.ts";
import { sinkParts } from "./sink-parts.ts";
import type { StepRunners } from "./step-runners.ts";

const rarelyMs = 60_000;

/** What processes of these roles do beside answering. */
export function createParts(
  options: PartsOptions,
  roles: readonly Role[],
  runners: StepRunners | undefined,
): Required<Part> {
  const all: Part[] = [];
  // Who reads starts before who writes, and stops after it: what the last runs left to say is routed and kept.
  if (roles.includes("sink")) all.push(...sinkParts(options));
  if (roles.includes("router")) all.push(...routerParts(options));
  // Before those that leave something to send, and after them.
  all.push(outboxPublisher(options, roles));
  if (runners) all.push({ start: () => {}, stop: () => runners.steps.close() });
  if (runners) all.push(new EnvironmentKeeper(environmentsOf(options, runners)));
  if (roles.includes("executor") && runners) all.push(...executorParts(options, runners));
  if (roles.includes("manager")) all.push(...managerParts(options));
  return {
    health: () => Object.assign({}, ...all.map((part) => part.health?.())),
    figures: all.flatMap((part) => part.figures ?? []),
    async start() {
      for (const part of all) await part.start();
    },
    async stop(drainMs) {
      for (const part of all.toReversed()) await part.stop(drainMs);
    },
  };
}

/** Sends what this process leaves in the outbox. The router's also looks for what others did not come to send. */
function outboxPublisher({ settings, stores, clock, log }: PartsOptions, roles: readonly Role[]): OutboxPublisher {
  const { bus, catalog } = stores;
  const pollMs = roles.includes("router") ? settings.recovery.pollMs : rarelyMs;
  return new OutboxPublisher({ bus, outbox: catalog.outbox, clock, log, pollMs });
}

function environmentsOf({ settings, stores, clock, log }: PartsOptions, { processes }: StepRunners) {
  const { everyMs } = settings.retention;
  const { unusedMs } = settings.dependencies;
  return { environments: processes.environments, services: stores.catalog.services, clock, log, unusedMs, everyMs };
}
