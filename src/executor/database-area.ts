import { chmod, chown, lchown, lstat, readdir, realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import { PlatformError } from "../foundation/errors.ts";
import { sha256 } from "../foundation/hash.ts";
import { makeDirectory } from "../foundation/make-directory.ts";
import { isReachable } from "./isolation/reachable.ts";

/**
 * Where the databases of SQL scripts lie, a directory for each project (rule S4). They are data: nothing
 * here is ever removed. Where scripts have users of their own, only the group of SQL steps can enter.
 */
export class DatabaseArea {
  /** Absolute. */
  readonly path: string;
  readonly #group: number | undefined;
  readonly #laid = new Map<string, Promise<void>>();

  private constructor(path: string, group: number | undefined) {
    this.path = path;
    this.#group = group;
  }

  /** `group`: of SQL steps, where scripts run as users of their own. Makes nothing yet. */
  static async choose(options: {
    dataDirectory: string;
    path: string | undefined;
    group: number | undefined;
  }): Promise<DatabaseArea> {
    const data = resolve(options.dataDirectory);
    const inside = join(data, "sql");
    if (options.path !== undefined) return new DatabaseArea(resolve(options.path), options.group);
    if (options.group === undefined || (await isReachable(await realpath(data), "traverse"))) {
      return new DatabaseArea(inside, options.group);
    }
    // The scripts' users cannot get into the data directory. Not /var/tmp: that is tidied up.
    return new DatabaseArea(`/var/lib/streamzero-fx/sql-${sha256(data).slice(0, 12)}`, options.group);
  }

  directoryOf(project: string): string {
    return join(this.path, project);
  }

  /** Makes the project's directory. Rejects with `invalid-input` where SQL steps could not get there. */
  async lay(project: string): Promise<void> {
    let laid = this.#laid.get(project);
    if (!laid) {
      laid = this.#lay(this.directoryOf(project));
      this.#laid.set(project, laid);
      laid.catch(() => this.#laid.delete(project));
    }
    await laid;
  }

  async #lay(directory: string): Promise<void> {
    await makeDirectory(this.path, 0o711);
    await makeDirectory(directory, 0o700);
    if (!(await lstat(directory)).isDirectory()) throw new PlatformError("conflict", `'${directory}' is no directory`);
    if (this.#group === undefined) return;
    await chmod(this.path, 0o711);
    if (!(await isReachable(this.path, "traverse"))) {
      throw new PlatformError(
        "invalid-input",
        `SQL scripts run as users of their own and cannot get to '${this.path}'; choose a directory for their databases whose parents have the mode 0711 or 0755 (executor.sqlDirectory)`,
      );
    }
    // The group may be another one than at the last start. New files take it from the directory.
    for (const name of await readdir(directory)) await lchown(join(directory, name), 0, this.#group);
    await chown(directory, 0, this.#group);
    await chmod(directory, 0o2770);
  }
}
