import type { ServiceStore } from "../catalog/services.ts";
import type { Clock } from "../foundation/clock.ts";
import type { VersionId } from "../foundation/ids.ts";
import type { Log } from "../foundation/log.ts";
import { Loop } from "../foundation/loop.ts";

export interface EnvironmentKeeperParts {
  /** Installed packages of this machine; removes those that no stored version needs, or that were not used for so long. */
  environments: { prune(isStored: (version: VersionId) => Promise<boolean>, unusedMs: number): Promise<number> };
  services: Pick<ServiceStore, "version">;
  clock: Clock;
  log: Log;
  unusedMs: number;
  everyMs: number;
}

/** Removes installed packages that nothing needs any more (rule D13), wherever scripts run or are deployed. */
export class EnvironmentKeeper {
  readonly #loop: Loop;

  constructor({ environments, services, clock, log, unusedMs, everyMs }: EnvironmentKeeperParts) {
    const isStored = async (version: VersionId) => (await services.version(version)) !== undefined;
    const work = async () => {
      const removed = await environments.prune(isStored, unusedMs);
      if (removed > 0) log.info({ environments: removed }, "retention: removed installed packages that nothing needs");
    };
    this.#loop = new Loop({ name: "environments", clock, log, idleMs: everyMs, work });
  }

  start(): void {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }
}
