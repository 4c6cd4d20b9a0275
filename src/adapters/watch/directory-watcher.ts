import { resolve } from "node:path";
import type { Bus } from "../../bus/bus.ts";
import type { AdapterMarkStore } from "../../catalog/adapter-marks.ts";
import { encodeRecord } from "../../events/bus-binding.ts";
import { fileUploadedEvent } from "../../events/outside-events.ts";
import { topics } from "../../events/topics.ts";
import type { Clock } from "../../foundation/clock.ts";
import { messageOf, PlatformError } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import { Loop } from "../../foundation/loop.ts";
import type { Adapter } from "../adapter.ts";
import { readStable } from "./read-stable.ts";
import { findFiles, stampOf } from "./stable-files.ts";

export interface DirectoryWatcherParts {
  bus: Bus;
  marks: AdapterMarkStore;
  clock: Clock;
  log: Log;
  /** Looked at with everything below it. */
  directory: string;
  /** Whose services see its events; undefined: all. */
  project: string | undefined;
  /** Between two looks. A file is taken when two looks in a row found it the same: it is written whole by then. */
  settleMs: number;
  /** Largest file whose content the event carries. */
  contentBytes: number;
}

/** Files looked at in one directory; past it the log says so. */
const maxFiles = 10_000;

/**
 * A file that appears or changes in a directory becomes `fx.file.uploaded`. What was there is
 * remembered in the catalog: a restart makes no second event, and one during which a file came makes
 * its event. Several watchers of one directory make one event of one file.
 */
export class DirectoryWatcher implements Adapter {
  readonly name: string;
  readonly #parts: DirectoryWatcherParts;
  readonly #directory: string;
  readonly #loop: Loop;
  /** Stamps of the last look, and of what has become an event. */
  #seen = new Map<string, string>();
  #taken: Map<string, string> | undefined;
  #saidTooMany = false;

  constructor(parts: DirectoryWatcherParts) {
    this.#parts = parts;
    this.#directory = resolve(parts.directory);
    this.name = `watch:${this.#directory}`;
    const { clock, log, settleMs } = parts;
    this.#loop = new Loop({ name: this.name, clock, log, idleMs: settleMs, work: (stopping) => this.#look(stopping) });
  }

  async start(): Promise<void> {
    this.#loop.start();
  }

  async stop(): Promise<void> {
    await this.#loop.stop();
  }

  async #look(stopping: AbortSignal): Promise<void> {
    const { marks, log } = this.#parts;
    this.#taken ??= await marks.marks(this.name);
    const { files, more } = await this.#find();
    if (more && !this.#saidTooMany)
      log.warn({ directory: this.#directory, maxFiles }, "the directory holds more files than are watched");
    this.#saidTooMany = more;
    const before = this.#seen;
    this.#seen = new Map(files.map((file) => [file.path, stampOf(file)]));
    for (const file of files) {
      if (stopping.aborted) return;
      const stamp = stampOf(file);
      if (before.get(file.path) !== stamp || this.#taken.get(file.path) === stamp) continue;
      const read = await readStable(this.#directory, file, this.#parts.contentBytes);
      if (read) await this.#take({ ...file, ...read }, stamp);
    }
    const gone = more ? [] : [...this.#taken.keys()].filter((path) => !this.#seen.has(path));
    if (gone.length === 0) return;
    await marks.update(this.name, { set: new Map(), forget: gone });
    for (const path of gone) this.#taken.delete(path);
  }

  /** Published before it is marked: a crash in between publishes the same event again. */
  async #take(file: Omit<Parameters<typeof fileUploadedEvent>[0], "directory">, stamp: string): Promise<void> {
    const { bus, marks, project } = this.#parts;
    const event = fileUploadedEvent({ ...file, directory: this.#directory }, project);
    await bus.publish([encodeRecord(topics.platform, event)]);
    await marks.update(this.name, { set: new Map([[file.path, stamp]]), forget: [] });
    this.#taken?.set(file.path, stamp);
  }

  async #find(): ReturnType<typeof findFiles> {
    try {
      return await findFiles(this.#directory, maxFiles);
    } catch (error) {
      const message = `the watched directory ${this.#directory} cannot be read: ${messageOf(error)}`;
      throw new PlatformError("unavailable", message, { cause: error });
    }
  }
}
