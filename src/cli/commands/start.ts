import type { Command } from "commander";
import { usageError } from "../cli-error.ts";
import type { CommonOptions } from "../session.ts";
import { wholeNumber } from "../terminal/read-options.ts";

interface StartOptions {
  host?: string;
  port?: number;
  ephemeral?: boolean;
}

export function defineStart(program: Command): Command {
  return program
    .command("start")
    .description("start the platform: all of its parts in this process")
    .argument("[setting...]", "any other setting as a flag, e.g. --executor-slots 8; `fx config show` lists them")
    .option("--host <address>", "address to listen on (FX_HOST; 127.0.0.1)")
    .option("--port <port>", "port to listen on, 0 for any free one (FX_PORT; 8080)", wholeNumber(0, 65_535))
    .option("--ephemeral", "keep everything in a new directory that is removed at the end")
    .allowUnknownOption()
    .action(start);
}

async function start(settings: string[], { host, port, ephemeral }: StartOptions, command: Command): Promise<void> {
  const { url, dataDir } = command.optsWithGlobals<CommonOptions>();
  if (url !== undefined) {
    throw usageError(
      "`start` listens, it does not connect: --url has no meaning here",
      "fx start --host <address> --port <port>",
    );
  }
  if (ephemeral && dataDir !== undefined) {
    throw usageError("--ephemeral makes its own data directory: it cannot be given with --data-dir");
  }
  const [{ readSettingFlags }, { servePlatform }] = await Promise.all([
    import("../start/setting-flags.ts"),
    import("../start/serve-platform.ts"),
  ]);
  await servePlatform({ ephemeral, flags: { ...readSettingFlags(settings), host, port, dataDir } });
}
