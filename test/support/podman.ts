import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tool } from "../../engines/cache.ts";

/** Small, and nothing of the machine's own configuration: what other engines on it run is not touched. */
const configurationWith = (runtime: string) => `[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc-here"
cgroup_manager = "cgroupfs"
events_logger = "file"
[engine.runtimes]
runc-here = ["${runtime}"]
`;

/**
 * An engine that is asked for one limit sets others as well, higher than a machine that is itself a container may. Those are
 * left out; what lowers a limit holds.
 */
const runtime = `#!/usr/bin/env python3
import json, os, resource, sys

if "--bundle" in sys.argv:
    path = os.path.join(sys.argv[sys.argv.index("--bundle") + 1], "config.json")
    with open(path) as file:
        config = json.load(file)

    def may(limit):
        _, most = resource.getrlimit(getattr(resource, limit["type"]))
        return most == resource.RLIM_INFINITY or limit["hard"] <= most

    config["process"]["rlimits"] = [limit for limit in config["process"].get("rlimits", []) if may(limit)]
    with open(path, "w") as file:
        json.dump(config, file)
os.execvp("runc", ["runc", *sys.argv[1:]])
`;

/** A Podman with storage of its own, below a directory. */
export class Podman {
  readonly #directory: string;
  readonly #places: string[];
  readonly #env: Record<string, string>;

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    const file = join(directory, "containers.conf");
    const own = join(directory, "runc-here");
    writeFileSync(own, runtime, { mode: 0o755 });
    writeFileSync(file, configurationWith(own));
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
