/**
 * An executor whose scripts do nothing: the platform's own, but for the runner of steps, which says at once that a script has
 * printed a line and ended well. What is left is what the platform takes for a run. Set up by the environment, as `fx executor` is.
 */
import { loadSettings } from "../../src/config/settings.ts";
import type { RunningStep, StepHost, StepRequest, StepRunner } from "../../src/executor/step-runner.ts";
import { systemClock } from "../../src/foundation/clock.ts";
import { createIds, type InstanceId } from "../../src/foundation/ids.ts";
import { systemRandom } from "../../src/foundation/random.ts";
import { openStores } from "../../src/platform/compose.ts";
import { openDataDirectory } from "../../src/platform/data-directory.ts";
import { createLog } from "../../src/platform/logger.ts";
import { createParts } from "../../src/platform/parts.ts";
import { portsOf } from "../../src/platform/roles.ts";
import { openStepRunners } from "../../src/platform/step-runners.ts";

const line = Buffer.from("first line\n");

class NoopRunner implements StepRunner {
  run(_request: StepRequest, host: StepHost): RunningStep {
    return { result: this.#result(host), keepAlive() {}, stop() {} };
  }

  async close(): Promise<void> {}

  async #result(host: StepHost) {
    await host.output({ stream: "stdout", bytes: line, at: systemClock.now() });
    return { kind: "exited", exitCode: 0, outputBytes: line.length, truncated: false } as const;
  }
}

const { settings } = loadSettings();
const around = {
  clock: systemClock,
  random: systemRandom,
  ids: createIds(systemClock, systemRandom),
  log: createLog(settings.log.level),
};
const data = openDataDirectory(settings.dataDir);
const stores = await openStores(settings, data, around, portsOf(["executor"]));
const runners = await openStepRunners(settings, data, around);
const instance = around.ids.next() as InstanceId;
const parts = createParts({ ...around, settings, stores, instance }, ["executor"], {
  ...runners,
  steps: new NoopRunner(),
});
await parts.start();
console.log("FX executor is ready at nowhere");

const stopped = Promise.withResolvers<void>();
process.on("SIGTERM", () => stopped.resolve());
const alive = setInterval(() => {}, 1000);
await stopped.promise;
clearInterval(alive);
await parts.stop(5000);
await runners.processes.close();
await stores.close();
data.release();
