import { chmod, mkdir, rm, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../foundation/hash.ts";
import type { Json } from "../../foundation/json.ts";
import { textOf } from "../run-variables.ts";
import type { StepContext } from "../step-runner.ts";

const memory = "/dev/shm";
/** Of a file system in memory, by statfs(2). */
const tmpfsMagic = 0x01021994;

/** The files of one step, on the machine's side. */
export interface Given {
  context: string;
  secrets: string;
  channel: string;
  /** Where the channel is to listen. */
  socket: string;
  /** Whoever runs in the container may dial, whatever its number; see GivenFiles. */
  openSocket(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * What containers are given as files: in memory where the machine has a file system for that, and removed after
 * the step. The directory above is closed to all but the executor's user, and each container is shown its own
 * alone; so what lies in it may be open to whoever the image runs as.
 */
export class GivenFiles {
  readonly #directory: string;

  private constructor(directory: string) {
    this.#directory = directory;
  }

  /** What an earlier process of the same data directory left there is gone. `path`: instead of the memory. */
  static async open(options: {
    dataDirectory: string;
    runRoot: string;
    path: string | undefined;
  }): Promise<GivenFiles> {
    const name = `streamzero-fx-${sha256(options.dataDirectory).slice(0, 12)}`;
    const own = (await isMemory()) ? join(memory, name) : join(options.runRoot, "ct");
    const directory = options.path === undefined ? own : join(options.path, name);
    await rm(directory, { recursive: true, force: true });
    // Not recursive: a directory that somebody else has laid here in between is an error.
    await mkdir(directory, { mode: 0o700 });
    return new GivenFiles(directory);
  }

  async lay(slot: number, context: StepContext, secrets: ReadonlyMap<string, Json>): Promise<Given> {
    const own = join(this.#directory, String(slot));
    const given = { context: join(own, "context.json"), secrets: join(own, "secrets"), channel: join(own, "c") };
    await rm(own, { recursive: true, force: true });
    for (const path of [own, given.secrets, given.channel]) {
      await mkdir(path, { recursive: true });
      await chmod(path, 0o755);
    }
    await writeOpen(given.context, JSON.stringify(context));
    for (const [name, value] of secrets) await writeOpen(join(given.secrets, name), textOf(value));
    const socket = join(given.channel, "s");
    return {
      ...given,
      socket,
      openSocket: () => chmod(socket, 0o777),
      remove: () => rm(own, { recursive: true, force: true }),
    };
  }

  async close(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }
}

async function writeOpen(path: string, text: string): Promise<void> {
  await writeFile(path, text);
  await chmod(path, 0o444);
}

async function isMemory(): Promise<boolean> {
  return statfs(memory).then(
    ({ type }) => type === tmpfsMagic,
    () => false,
  );
}
