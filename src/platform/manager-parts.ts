import { DirectoryWatcher } from "../adapters/watch/directory-watcher.ts";
import { RetentionKeeper } from "../recovery/retention-keeper.ts";
import { Scheduler } from "../scheduler/scheduler.ts";
import type { Part, PartsOptions } from "./part.ts";

/** With the API goes what makes events of time and of files, and what forgets. */
export function managerParts({ settings, stores, clock, ids, log }: PartsOptions): Part[] {
  const { bus, catalog, artifacts, opsData } = stores;
  const { retention, services } = catalog;
  const { pollMs, toleranceMs, catchUpRuns } = settings.scheduler;
  const catchUp = { toleranceMs, runs: catchUpRuns };
  const { directories, project, settleMs, contentBytes } = settings.watch;
  const { everyMs, ...ages } = settings.retention;
  return [
    new RetentionKeeper({ bus, retention, services, artifacts, opsData, clock, log, ages, everyMs }),
    new Scheduler({ bus, catalog, clock, ids, log, pollMs, catchUp }),
    ...directoriesOf(directories).map(
      (directory) =>
        new DirectoryWatcher({
          bus,
          marks: catalog.adapterMarks,
          clock,
          log,
          directory,
          project,
          settleMs,
          contentBytes,
        }),
    ),
  ];
}

function directoriesOf(list: string | undefined): string[] {
  return (list ?? "").split(":").filter((directory) => directory !== "");
}
