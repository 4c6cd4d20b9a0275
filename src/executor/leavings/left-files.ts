import { lstatSync, type Stats } from "node:fs";
import { opendir } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../foundation/clock.ts";
import { endOfTurn } from "../../foundation/turn.ts";

/** The kernel tells the time of a change to a few milliseconds: what is no older may have changed again since. */
const roundingMs = 50;
/** Looked at in one go, in about a millisecond. */
const entriesAtOnce = 256;

interface Look {
  /** When it was begun, and the change of the directory that it found, in milliseconds since 1970. */
  at: number;
  changedAt: number;
  /** Of all that was there. */
  owners: ReadonlySet<number>;
}

export interface LeftFile {
  path: string;
  uid: number;
}

/** Who owns what in directories where every user may write. */
export class LeftFiles {
  readonly #clock: Clock;
  readonly #places: readonly string[];
  readonly #looks = new Map<string, Look>();

  constructor(clock: Clock, places: readonly string[]) {
    this.#clock = clock;
    this.#places = places;
  }

  /** Costs no more than asking for the directories' times while nothing of the user's was written there. */
  async of(uid: number): Promise<LeftFile[]> {
    const left: LeftFile[] = [];
    for (const place of this.#places) {
      const found = this.#mayHold(place, uid) ? await this.#look(place) : [];
      left.push(...found.filter((file) => file.uid === uid));
    }
    return left;
  }

  async all(): Promise<LeftFile[]> {
    const all: LeftFile[] = [];
    for (const place of this.#places) all.push(...(await this.#look(place)));
    return all;
  }

  #mayHold(place: string, uid: number): boolean {
    const changedAt = statOf(place)?.mtimeMs;
    const last = this.#looks.get(place);
    if (changedAt === undefined) return false;
    const isAsFound = last?.changedAt === changedAt && changedAt < last.at - roundingMs;
    return !isAsFound || last.owners.has(uid);
  }

  async #look(place: string): Promise<LeftFile[]> {
    const at = this.#clock.now();
    const changedAt = statOf(place)?.mtimeMs;
    if (changedAt === undefined) return [];
    const found: LeftFile[] = [];
    let count = 0;
    for await (const { name } of await opendir(place)) {
      const path = join(place, name);
      const uid = statOf(path)?.uid;
      if (uid !== undefined) found.push({ path, uid });
      count += 1;
      if (count % entriesAtOnce === 0) await new Promise<void>((resolve) => endOfTurn(resolve));
    }
    this.#looks.set(place, { at, changedAt, owners: new Set(found.map(({ uid }) => uid)) });
    return found;
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
