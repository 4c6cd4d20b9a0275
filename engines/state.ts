import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import type { ServerPlace } from "./engine.ts";
import { engineNamed } from "./engines.ts";
import type { ServerProcess, Servers } from "./servers.ts";

interface SavedServers {
  engine: string;
  places: ServerPlace[];
  processes: (ServerProcess | null)[];
}

/** What `up` has started, kept so that `status` and `down` find it. */
export class EnginesState {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
  }

  get #file(): string {
    return path.join(this.directory, "engines.json");
  }

  read(): Servers[] {
    if (!existsSync(this.#file)) return [];
    const saved: SavedServers[] = JSON.parse(readFileSync(this.#file, "utf8"));
    return saved.map(({ engine, places, processes }) => ({
      engine: engineNamed(engine),
      places,
      processes: processes.map((started) => started ?? undefined),
    }));
  }

  write(all: readonly Servers[]): void {
    mkdirSync(this.directory, { recursive: true });
    const saved: SavedServers[] = all.map(({ engine, places, processes }) => ({
      engine: engine.name,
      places: [...places],
      processes: processes.map((started) => started ?? null),
    }));
    writeFileSync(`${this.#file}.new`, `${JSON.stringify(saved, undefined, 2)}\n`);
    renameSync(`${this.#file}.new`, this.#file);
  }

  wipe(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** `FX_ENGINES_DATA`, else in the machine's place for what may go; other users' servers must be able to enter it. */
export function dataRoot(): string {
  return process.env.FX_ENGINES_DATA ?? path.join(os.tmpdir(), "streamzero-fx-engines");
}
