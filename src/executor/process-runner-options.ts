import type { Clock } from "../foundation/clock.ts";
import type { Log } from "../foundation/log.ts";
import type { Random } from "../foundation/random.ts";
import type { JavaScriptRuntime } from "../services/manifest.ts";
import type { DependencyOptions } from "./environments/open-environments.ts";

export interface ProcessStepRunnerOptions {
  /** What scripts must not read (rule S3). Made if missing. */
  dataDirectory: string;
  /** Steps that may live at one time. */
  slots: number;
  /** Steps that may live beside these: `slot` of a request is below the sum of both. */
  reliefSlots: number;
  /** Processes that may stay for further runs of their script, those that run included (isolation level `warm`). */
  warmProcesses: number;
  /** Processes that may wait for a run of their script; 0: each is started when its run is there. */
  aheadProcesses: number;
  clock: Clock;
  random: Random;
  log: Log;
  /** Where scripts live while they run; see RunRoot. */
  runDirectory?: string | undefined;
  /** First user id for scripts, where the executor is root; default: one that nobody else uses (run-users.ts). */
  firstUid?: number | undefined;
  /** `auto`, the default: the best there is. `require`: refuse to open without one. `off`: none. */
  isolation?: "auto" | "require" | "off";
  /** Where the databases of SQL scripts lie; see DatabaseArea. */
  sqlDirectory?: string | undefined;
  /** What one statement of an SQL script may take. */
  sqlStatementMs?: number | undefined;
  /** The Python to run scripts with; default: found once, from `searchPath` and the system's. */
  python?: string | undefined;
  /** The Bun to run scripts with; default: the one that came with the platform's packages. */
  bun?: string | undefined;
  /** What runs the JavaScript and TypeScript of services that do not say; `auto`, the default: Bun where it is there. */
  javascript?: "auto" | JavaScriptRuntime | undefined;
  /** `off`: every script's interpreter is started anew. `auto`, the default: forked where it can be. */
  fork?: "auto" | "off" | undefined;
  /** Where each forked run gets a control group: `auto`, the default, `off`, or the directory of a group that is ours to divide. */
  cgroup?: string | undefined;
  /** Directories with `:` between them, as in PATH; where to look for `python3` and for package tools. */
  searchPath?: string | undefined;
  /** How packages of services are installed; default: as the tools do it by themselves. */
  dependencies?: DependencyOptions | undefined;
}
