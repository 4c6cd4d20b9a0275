import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { CloudEvent } from "../../events/cloud-event.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { Json, JsonObject } from "../../foundation/json.ts";
import { CliError, usageError } from "../cli-error.ts";
import type { ServiceDirectory } from "../deploy/find-services.ts";
import { type Session, withSession } from "../session.ts";
import { safe } from "../terminal/safe.ts";
import { clockText } from "../terminal/times.ts";
import type { Trial, TrialOptions } from "../try/try-service.ts";

interface TryOptions {
  event?: string;
  data?: string;
}

export function defineTry(program: Command): Command {
  return program
    .command("try")
    .description("run a service once, from its directory, without a platform: output, emitted events, state")
    .argument("<directory>", "the service's")
    .option(
      "--event <file>",
      "the event that starts it, a CloudEvent as JSON; without it event.json beside the scripts",
    )
    .option("--data <data>", "instead of an event: its parameters, as JSON; @file; -: standard input")
    .action(withSession(tryOnce));
}

async function tryOnce({ terminal }: Session, directory: string, options: TryOptions): Promise<void> {
  const [{ findServices }, { startPassingPlatform }, { tryService }, { LinePrinter }] = await Promise.all([
    import("../deploy/find-services.ts"),
    import("../try/passing-platform.ts"),
    import("../try/try-service.ts"),
    import("../logs/line-printer.ts"),
  ]);
  const service = onlyOf(findServices(directory), directory);
  const trigger = await readTrigger(service.path, options);
  const printer = new LinePrinter(terminal);
  const platform = await startPassingPlatform();
  let trial: Trial;
  try {
    trial = await tryService(platform.api, service, {
      trigger,
      onInstall: (line) => terminal.say(terminal.paintTalk("dim", safe(line))),
      onLog: (record) => {
        if (!terminal.isJson) printer.print(record);
      },
    });
  } finally {
    printer.end();
    await platform.close();
  }
  for (const warning of trial.warnings) terminal.say(`${terminal.paintTalk("yellow", "warning")} ${warning}`);
  if (terminal.isJson) await terminal.one(trial, () => "");
  else summarise(terminal, trial);
  if (trial.status === "completed") return terminal.next(`fx deploy ${directory}`);
  throw new CliError({ what: `${service.name} ${trial.status}`, why: trial.error?.message, exit: "runFailed" });
}

function summarise(terminal: Session["terminal"], { status, emitted, state, later }: Trial): void {
  terminal.say(
    `${status === "completed" ? terminal.paintTalk("green", "■") : terminal.paintTalk("red", "■")} ${status}`,
  );
  for (const event of emitted) {
    const data = event.data === undefined ? "" : `  ${safe(JSON.stringify(event.data)).slice(0, 200)}`;
    terminal.say(`◆ would send ${event.type}${data}`);
  }
  for (const at of later) terminal.say(`↻ would run again at ${clockText(at, Date.now())}`);
  if (Object.keys(state).length > 0) terminal.say(`state  ${safe(JSON.stringify(state)).slice(0, 500)}`);
}

function onlyOf(services: readonly ServiceDirectory[], directory: string): ServiceDirectory {
  const [first, second] = services;
  if (first !== undefined && second === undefined) return first;
  const names = services.map(({ path }) => path).join(", ");
  throw usageError(`${directory} holds several services, one is tried at a time: ${names}`);
}

async function readTrigger(directory: string, options: TryOptions): Promise<TrialOptions["trigger"]> {
  if (options.event !== undefined && options.data !== undefined) {
    throw usageError("--event and --data are two ways to start it: give one of them");
  }
  if (options.data !== undefined) {
    const { readData } = await import("../send/read-data.ts");
    const { data } = readData(options.data);
    return { params: (data ?? {}) as JsonObject };
  }
  const usual = join(directory, "event.json");
  if (options.event === undefined && !existsSync(usual)) return { params: undefined };
  return { event: await readEvent(options.event ?? usual) };
}

/** `specversion`, `id` and `source` may be left out. */
async function readEvent(file: string): Promise<CloudEvent> {
  const { readCloudEvent } = await import("../../events/read-cloud-event.ts");
  let value: Json;
  try {
    value = JSON.parse(readFileSync(file, "utf8")) as Json;
  } catch (error) {
    throw usageError(`${file} cannot be read as JSON: ${messageOf(error)}`);
  }
  const reading = readCloudEvent({ specversion: "1.0", id: "try", source: "/fx/try", ...(value as JsonObject) });
  if (reading.ok) return reading.event;
  throw new CliError({ what: `${file} is not a CloudEvent`, problems: reading.problems, exit: "usage" });
}
