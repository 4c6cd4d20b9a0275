import { existsSync, readdirSync } from "node:fs";
import { resolve } from "node:path";
import { secretsKeyFile } from "../config/secrets-keys.ts";
import type { Settings } from "../config/settings.ts";
import { systemClock } from "../foundation/clock.ts";
import { PlatformError, type Problem } from "../foundation/errors.ts";
import { createIds, type InstanceId } from "../foundation/ids.ts";
import { systemRandom } from "../foundation/random.ts";
import { reconcileState } from "../recovery/state-log.ts";
import type { Surroundings } from "./compose.ts";
import { problemsOf } from "./copy/check-target.ts";
import { copyArtifacts } from "./copy/copy-artifacts.ts";
import { copyBus } from "./copy/copy-bus.ts";
import { beginBackboneAnew, copyCatalog } from "./copy/copy-catalog.ts";
import { copyConfig } from "./copy/copy-config.ts";
import { copyOpsData } from "./copy/copy-ops-data.ts";
import { type Counted, countSource } from "./copy/count-source.ts";
import { finishSource } from "./copy/finish-source.ts";
import { type Both, openBoth } from "./copy/open-both.ts";
import { type CopyPlan, planCopy, requireInstallation } from "./copy/plan.ts";
import { Progress } from "./copy/progress.ts";
import { type DataDirectory, openDataDirectory } from "./data-directory.ts";
import { createLog } from "./logger.ts";
import { type Moved, readMoved, writeMoved } from "./moved-ports.ts";
import type { Port } from "./roles.ts";

export interface CopyOptions {
  /** Of the platform that is to take over. */
  settings: Settings;
  /** The data directory of the installation that is copied. */
  from: string;
  /** Only looks and counts. Opening engines makes what they lack: tables, topics, templates. */
  dryRun: boolean;
  /** Told a line of progress. */
  tell(line: string): void;
}

export interface CopyReport {
  moving: CopyPlan["moving"];
  staying: CopyPlan["staying"];
  /** What was copied and found again, or would be. */
  counts: readonly Counted[];
  /** What stands in the way; of a dry run only, since a copy fails of it. */
  problems: readonly Problem[];
  /** What is not copied, and what to do about it. */
  notes: readonly string[];
}

/**
 * Copies what the embedded engines of a data directory hold into those of the settings. The directory is locked meanwhile, as a
 * running platform has it. Throws `conflict` while one runs or where an engine that is to be filled holds anything. What a failure leaves
 * behind the next try goes on from: the catalog, without which nothing is begun, is written last, whole or not at all.
 */
export async function copyInstallation({ settings, from, dryRun, tell }: CopyOptions): Promise<CopyReport> {
  requireInstallation(from);
  const log = createLog(settings.log.level);
  const ids = createIds(systemClock, systemRandom);
  const around: Surroundings = { clock: systemClock, random: systemRandom, ids, log };
  const data = openDataDirectory(resolve(from));
  try {
    const plan = planCopy(data, settings, readMoved(data));
    const both = await openBoth(plan, data, settings, around);
    try {
      const told = { moving: plan.moving, staying: plan.staying, notes: notesOf(data, settings, plan) };
      const problems = await problemsOf(plan, both);
      if (dryRun) return { ...told, counts: await countSource(plan, both), problems };
      if (problems.length > 0) throw notEmpty(problems);
      const counts = await new Copy({ settings, around, data, plan, both, tell }).run();
      return { ...told, counts, problems };
    } finally {
      await both.close();
    }
  } finally {
    data.release();
  }
}

interface CopyParts {
  settings: Settings;
  around: Surroundings;
  data: DataDirectory;
  plan: CopyPlan;
  both: Both;
  tell(line: string): void;
}

class Copy {
  readonly #parts: CopyParts;
  readonly #progress: Progress;
  readonly #moved: readonly Port[];

  constructor(parts: CopyParts) {
    this.#parts = parts;
    this.#progress = new Progress(parts.around.clock, parts.tell);
    this.#moved = parts.plan.moving.map(({ port }) => port);
  }

  async run(): Promise<Counted[]> {
    const { both } = this.#parts;
    this.#note("copying");
    await this.#finish();
    const counts: Counted[] = [];
    await this.#part("artifactStore", "files of versions", async () => {
      counts.push({ what: "files of versions", count: await copyArtifacts(both, this.#progress) });
    });
    await this.#part("opsData", "output, logs and history", async () => {
      const { records, events, executions } = await copyOpsData(both, this.#progress);
      counts.push({ what: "records of output", count: records }, { what: "events in history", count: events });
      counts.push({ what: "executions in history", count: executions });
    });
    await this.#part("configStore", "state, configuration and secrets", async () => {
      const { state, configuration, secrets } = await copyConfig(both, this.#progress);
      counts.push(
        { what: "values of state", count: state },
        { what: "versions of configuration", count: configuration },
      );
      counts.push({ what: "secrets", count: secrets });
    });
    await this.#part("bus", "dead letters and the log of state", async () => {
      const { deadLetters, state } = await copyBus(both);
      counts.push({ what: "dead letters", count: deadLetters }, { what: "entries of the log of state", count: state });
    });
    await both.target.configStore.restored?.();
    await this.#part("catalog", "the catalog", async () => {
      const filled = await copyCatalog(both, this.#moved, this.#progress);
      counts.push(...filled.map(({ table, rows }) => ({ what: `catalog: ${table}`, count: rows })));
    });
    if (this.#moved.includes("bus") && !this.#moved.includes("catalog")) await beginBackboneAnew(both);
    this.#note("moved");
    return counts;
  }

  /** What the platform that wrote it would do at its next start: attempts that it had under way are lost, and run again (rules D7, D8, D11). */
  async #finish(): Promise<void> {
    const { settings, around, both } = this.#parts;
    const { source } = both;
    const lost = await source.catalog.leases.expireOthers([]);
    if (lost > 0) this.#progress.step(`${lost} attempts were under way when the platform stopped; they will run again`);
    if (!this.#moved.includes("bus")) return;
    this.#progress.step("what was accepted is routed and recorded ...");
    await reconcileState(source.bus, source.configStore.state);
    const instance = around.ids.next() as InstanceId;
    await finishSource({ ...around, settings, stores: source, instance });
  }

  async #part(port: Port, what: string, work: () => Promise<void>): Promise<void> {
    const moving = this.#parts.plan.moving.find((each) => each.port === port);
    if (moving === undefined) return;
    this.#progress.step(`${what} to ${moving.to} ...`);
    await work();
  }

  #note(state: Moved["state"]): void {
    const { data, plan, around } = this.#parts;
    const at = new Date(around.clock.now()).toISOString();
    const moved = Object.fromEntries(plan.moving.map(({ port, to }) => [port, { to, state, at }]));
    writeMoved(data, { ...readMoved(data), ...moved });
  }
}

function notEmpty(problems: readonly Problem[]): PlatformError {
  const text = problems.map(({ path, message }) => `${path} ${message}`).join("; ");
  return new PlatformError("conflict", `it is copied to engines that are empty: ${text}`, { problems });
}

/** What lies in the directory besides. */
function notesOf(data: DataDirectory, settings: Settings, { moving }: CopyPlan): string[] {
  const notes: string[] = [];
  if (settings.secretsKey === undefined && moving.some(({ port }) => port === "configStore")) {
    const file = secretsKeyFile(settings.dataDir);
    notes.push(
      `secrets are sealed with the key in ${file}: processes that have another data directory need it by FX_SECRETS_KEY`,
    );
  }
  const databases = data.file("sql");
  if (settings.executor.sqlDirectory === undefined && existsSync(databases) && readdirSync(databases).length > 0) {
    notes.push(
      `the databases of SQL scripts stay in ${databases}: executors that have another data directory need them where executor.sqlDirectory says`,
    );
  }
  if (settings.token === undefined && settings.dataDir !== data.path) {
    notes.push(
      `the administrator's token stays in ${data.file("token")}: give it by FX_TOKEN, or use the new directory's`,
    );
  }
  return notes;
}
