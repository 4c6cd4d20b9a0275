import { existsSync } from "node:fs";
import { messageOf, PlatformError } from "../foundation/errors.ts";
import type { RunRoot } from "./run-root.ts";
import { findBun } from "./runtimes/find-bun.ts";
import type { PythonInterpreter } from "./runtimes/find-python.ts";
import { installLibrary } from "./runtimes/library.ts";
import { compilePythonLibrary } from "./runtimes/python.ts";

export interface FurnitureParts {
  runRoot: RunRoot;
  /** Scripts run as users of their own, who must get at it. */
  othersMustReach: boolean;
  /** The Bun that was asked for. */
  bun: string | undefined;
  python: Promise<PythonInterpreter>;
}

interface Laid {
  library: string;
  node: string;
  /** Why there is none, where there is none. */
  bun: { command: string; version: string } | PlatformError;
}

/** What must lie in the run root for scripts to start: the SDKs and the interpreters of ours. */
export class Furniture {
  readonly #parts: FurnitureParts;
  readonly #laid: Laid;
  #mending: Promise<void> | undefined;

  private constructor(parts: FurnitureParts, laid: Laid) {
    this.#parts = parts;
    this.#laid = laid;
  }

  static async lay(parts: FurnitureParts): Promise<Furniture> {
    return new Furniture(parts, await lay(parts));
  }

  /** The directory of the SDKs, readable by every user. */
  get library(): string {
    return this.#laid.library;
  }

  get node(): string {
    return this.#laid.node;
  }

  get bun(): Laid["bun"] {
    return this.#laid.bun;
  }

  /** A platform lives for months, and temporary directories are tidied meanwhile: what is gone is made again, where it was. */
  async mend(): Promise<void> {
    const { runRoot } = this.#parts;
    if (runRoot.isWhole && this.#files().every((path) => existsSync(path))) return;
    this.#mending ??= runRoot
      .lay()
      .then(async () => void (await lay(this.#parts)))
      .finally(() => {
        this.#mending = undefined;
      });
    await this.#mending;
  }

  #files(): string[] {
    const { library, node, bun } = this.#laid;
    return [library, node, ...(bun instanceof PlatformError ? [] : [bun.command])];
  }
}

async function lay({ runRoot, othersMustReach, bun: wanted, python }: FurnitureParts): Promise<Laid> {
  const library = await installLibrary(runRoot, async (directory) => {
    const found = await python.catch(() => undefined);
    if (found) await compilePythonLibrary(found, directory);
  });
  const reachable = async (path: string) => (othersMustReach ? runRoot.reachableExecutable(path) : path);
  const node = await reachable(process.execPath);
  const bun = await findBun(wanted).then(
    async ({ command, version }) => ({ command: await reachable(command), version }),
    (error: unknown) => new PlatformError("unavailable", messageOf(error)),
  );
  return { library, node, bun };
}
