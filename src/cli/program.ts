import { Command } from "commander";
import { defineAlerts } from "./commands/alerts.ts";
import { defineBacktest } from "./commands/backtest.ts";
import { defineCancel } from "./commands/cancel.ts";
import { defineCompletion } from "./commands/completion.ts";
import { defineConfig } from "./commands/config.ts";
import { defineCopy } from "./commands/copy.ts";
import { defineDeploy } from "./commands/deploy.ts";
import { defineDoctor } from "./commands/doctor.ts";
import { defineEvents } from "./commands/events.ts";
import { defineExecutions } from "./commands/executions.ts";
import { defineFlow } from "./commands/flow.ts";
import { defineHooks } from "./commands/hooks.ts";
import { defineInit } from "./commands/init.ts";
import { defineKibana } from "./commands/kibana.ts";
import { defineLedger } from "./commands/ledger.ts";
import { defineLink } from "./commands/link.ts";
import { defineLinks } from "./commands/links.ts";
import { defineListen } from "./commands/listen.ts";
import { defineLogs } from "./commands/logs.ts";
import { defineMap } from "./commands/map.ts";
import { defineMetrics } from "./commands/metrics.ts";
import { defineMigrate } from "./commands/migrate.ts";
import { defineMove } from "./commands/move.ts";
import { defineProjects } from "./commands/projects.ts";
import { defineReplay } from "./commands/replay.ts";
import { defineReplays } from "./commands/replays.ts";
import { defineRetry } from "./commands/retry.ts";
import { defineRun } from "./commands/run.ts";
import { defineSchedules } from "./commands/schedules.ts";
import { defineSecrets } from "./commands/secrets.ts";
import { defineSend } from "./commands/send.ts";
import { defineServices } from "./commands/services.ts";
import { defineShow } from "./commands/show.ts";
import { defineSkip } from "./commands/skip.ts";
import { defineExecutor, defineManager, defineRouter, defineSink, defineStart } from "./commands/start.ts";
import { defineState } from "./commands/state.ts";
import { defineStats } from "./commands/stats.ts";
import { defineTry } from "./commands/try.ts";
import { defineTypes } from "./commands/types.ts";
import { defineUnlink } from "./commands/unlink.ts";
import { defineVersion } from "./commands/version.ts";
import { defineWhy } from "./commands/why.ts";

const groups: Record<string, readonly ((program: Command) => Command)[]> = {
  "The platform:": [
    defineStart,
    defineMigrate,
    defineCopy,
    defineDoctor,
    defineConfig,
    defineCompletion,
    defineVersion,
  ],
  "One role of it, on shared engines:": [defineManager, defineRouter, defineExecutor, defineSink],
  "Build:": [
    defineInit,
    defineTry,
    defineDeploy,
    defineServices,
    defineProjects,
    defineSecrets,
    defineState,
    defineLink,
    defineUnlink,
    defineLinks,
    defineMap,
    defineBacktest,
    defineHooks,
  ],
  "Run:": [defineSend, defineRun, defineRetry, defineReplay, defineCancel, defineSkip, defineMove, defineSchedules],
  "Understand:": [
    defineListen,
    defineWhy,
    defineFlow,
    defineEvents,
    defineTypes,
    defineExecutions,
    defineShow,
    defineLogs,
    defineStats,
    defineMetrics,
    defineAlerts,
    defineReplays,
    defineLedger,
    defineKibana,
  ],
};

/** The whole command line. `docs/reference/cli.md` is made from it. */
export function createProgram(): Command {
  const program = new Command("fx")
    .description("StreamZero FX: services, started by events.")
    .option("--json [fields]", "print JSON; with --json=field,field only those fields")
    .option("--url <url>", "where the platform is (FX_URL; http://127.0.0.1:8080)")
    .option("--token-file <file>", "read the token from a file (FX_TOKEN; else the data directory's)")
    .option("--data-dir <directory>", "the platform's data directory on this machine (FX_DATA_DIR; .fx)")
    .option("--no-input", "never ask: a command that would is refused")
    .option("-q, --quiet", "no talk on standard error, only errors")
    .helpOption("-h, --help", "explain")
    .helpCommand("help [command]", "explain a command")
    .configureHelp({ showGlobalOptions: true, sortOptions: false })
    .showSuggestionAfterError()
    .showHelpAfterError("(--help explains)")
    .exitOverride();
  for (const [group, definitions] of Object.entries(groups)) {
    for (const define of definitions) inherit(define(program).helpGroup(group), program);
  }
  return program;
}

/** Sub-commands made by `new Command` would print and exit on their own. */
function inherit(command: Command, parent: Command): void {
  command.copyInheritedSettings(parent);
  // A group without a command of its own is asked what it has, which is no mistake: it explains itself on stdout.
  const help = command.help.bind(command);
  command.help = () => help();
  for (const child of command.commands) inherit(child, command);
}
