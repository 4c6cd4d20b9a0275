import type { Command } from "commander";
import type { Role } from "../../platform/roles.ts";
import { usageError } from "../cli-error.ts";
import type { CommonOptions } from "../session.ts";
import { wholeNumber } from "../terminal/read-options.ts";

interface StartOptions {
  host?: string;
  port?: number;
  ephemeral?: boolean;
}

/** Every role in one process. */
export function defineStart(program: Command): Command {
  return serving(program.command("start").alias("all"), undefined)
    .description("start the platform: all of its parts in this process")
    .option("--ephemeral", "keep everything in a new directory that is removed at the end");
}

export function defineManager(program: Command): Command {
  return serving(program.command("manager"), "manager").description(
    "start the API, the schedules and the adapters alone; the other roles are processes of their own",
  );
}

export function defineRouter(program: Command): Command {
  return serving(program.command("router"), "router").description(
    "start a router alone: it makes executions of events, and sends what the catalog has to tell",
  );
}

export function defineExecutor(program: Command): Command {
  return serving(program.command("executor"), "executor").description(
    "start an executor alone: it claims executions and runs their scripts",
  );
}

export function defineSink(program: Command): Command {
  return serving(program.command("sink"), "sink").description(
    "start a sink alone: it keeps what happened so that it is found",
  );
}

function serving(command: Command, role: Role | undefined): Command {
  return command
    .argument("[setting...]", "any other setting as a flag, e.g. --executor-slots 8; `fx config show` lists them")
    .option("--host <address>", "address to listen on (FX_HOST; 127.0.0.1)")
    .option("--port <port>", "port to listen on, 0 for any free one (FX_PORT; 8080)", wholeNumber(0, 65_535))
    .allowUnknownOption()
    .action((settings: string[], options: StartOptions) => start(role, settings, options, command));
}

async function start(
  role: Role | undefined,
  settings: string[],
  { host, port, ephemeral }: StartOptions,
  command: Command,
): Promise<void> {
  const { url, dataDir } = command.optsWithGlobals<CommonOptions>();
  const name = command.name();
  if (url !== undefined) {
    throw usageError(
      `\`${name}\` listens, it does not connect: --url has no meaning here`,
      `fx ${name} --host <address> --port <port>`,
    );
  }
  if (ephemeral && dataDir !== undefined) {
    throw usageError("--ephemeral makes its own data directory: it cannot be given with --data-dir");
  }
  const [{ readSettingFlags }, { servePlatform }] = await Promise.all([
    import("../start/setting-flags.ts"),
    import("../start/serve-platform.ts"),
  ]);
  const flags = { ...readSettingFlags(name, settings), host, port, dataDir };
  await servePlatform({ name, role, ephemeral, flags });
}
