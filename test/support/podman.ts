import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tool } from "../../engines/cache.ts";

/** Small, and nothing of the machine's own configuration: what other engines on it run is not touched. */
const configuration = `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
`;

/** A Podman with storage of its own, below a directory. */
export class Podman {
  readonly #directory: string;
  readonly #places: string[];
  readonly #env: Record<string, string>;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    const file = join(directory, "containers.conf");
    writeFileSync(file, configuration);
    this.#directory = directory;
    this.#places = ["--root", join(directory, "storage"), "--runroot", join(directory, "run"), "--storage-driver=vfs"];
    this.#env = { CONTAINERS_CONF: file, HOME: directory, XDG_RUNTIME_DIR: directory, TMPDIR: directory };
  }

  /** Answers what it printed. Rejects with the last words of a command that fails. */
  run(...args: string[]): Promise<string> {
    return tool("podman", [...this.#places, ...args], { env: this.#env });
  }

  /** A command that stays. */
  spawn(...args: string[]): ChildProcess {
    // In its directory: where a container runs out of memory, a file that says so is written there.
    return spawn("podman", [...this.#places, ...args], {
      cwd: this.#directory,
      env: { PATH: process.env.PATH, ...this.#env },
      stdio: "ignore",
    });
  }

  /** Ends all containers and removes all images. */
  async clear(): Promise<void> {
    await this.run("rm", "--all", "--force", "--time", "0");
    await this.run("rmi", "--all", "--force");
  }
}
