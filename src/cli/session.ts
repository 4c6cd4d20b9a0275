import type { Command } from "commander";
import { type Connection, findConnection } from "../config/connection.ts";
import { Client } from "./connection/client.ts";
import { Terminal } from "./terminal/terminal.ts";

/** Options that every command takes. */
export interface CommonOptions {
  json?: boolean | string;
  url?: string;
  tokenFile?: string;
  dataDir?: string;
  quiet?: boolean;
  /** False: no question is asked. */
  input?: boolean;
}

/** What a command works with. */
export interface Session {
  terminal: Terminal;
  /** Where the platform is. Throws when the settings cannot be read, not before it is asked. */
  connection: () => Connection;
  api: Client;
  options: CommonOptions;
}

export function openSession(options: CommonOptions): Session {
  let client: Client | undefined;
  const connection = () => findConnection(options);
  return {
    terminal: new Terminal({ json: jsonOption(options.json), quiet: options.quiet ?? false }),
    connection,
    get api() {
      client ??= new Client(connection());
      return client;
    },
    options,
  };
}

/** Wraps a command's work for commander, which passes arguments, options and itself. */
export function withSession<Args extends unknown[]>(work: (session: Session, ...args: Args) => Promise<void>) {
  return async (...given: [...Args, Command]): Promise<void> => {
    const command = given.at(-1) as Command;
    await work(openSession(command.optsWithGlobals()), ...(given.slice(0, -1) as Args));
  };
}

/** `--json`: everything; `--json=a,b`: those fields. */
export function jsonOption(value: boolean | string | undefined): boolean | string[] {
  if (typeof value !== "string") return value ?? false;
  return value
    .split(",")
    .map((field) => field.trim())
    .filter((field) => field !== "");
}
