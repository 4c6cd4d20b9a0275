import { opendirSync, readFileSync, readlinkSync, statSync } from "node:fs";

/** That one look goes through at most, which takes it some milliseconds; what others hold is not counted. */
const mostDescriptors = 1_000;

/** Of one process: its own, and what it shares with others. No memory of files on a disk. */
export interface ProcessMemory {
  ownBytes: number;
  sharedBytes: number;
}

/**
 * Whether these processes have more than `limitBytes` together. Memory that is several processes' is told of each, after a fork all that they have
 * not written to since: the sum may be too much, and then what is surely not told twice decides. As src/executor/zygote/run_usage.py counts it.
 */
export function isMore(memory: ReadonlyMap<number, ProcessMemory>, limitBytes: number): boolean {
  const files = namelessFiles(memory.keys());
  const ofFiles = files.values().reduce((sum, bytes) => sum + bytes, 0);
  const most = memory.values().reduce((sum, { ownBytes, sharedBytes }) => sum + ownBytes + sharedBytes, ofFiles);
  if (most <= limitBytes) return false;
  let sure = ofFiles;
  for (const [pid, known] of memory) sure += sureBytes(pid, known, files, memory.size > 1);
  return sure > limitBytes;
}

/** Of a process as the text of a file of /proc tells it, by the names that its own and its shared memory have there. */
export function memoryIn(text: string, own: string, shared: string): ProcessMemory | undefined {
  const [ownBytes, sharedBytes] = [own, shared].map((name) => {
    const kibibytes = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1];
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024;
  });
  return ownBytes === undefined || sharedBytes === undefined ? undefined : { ownBytes, sharedBytes };
}

/**
 * Of what a process has in memory, what is its alone and none of these files: a page of four processes is a quarter of each. Where it may share, this
 * walks through all its memory, 40 ms for 1 GB.
 */
function sureBytes(pid: number, known: ProcessMemory, files: ReadonlyMap<string, number>, mayShare: boolean): number {
  try {
    const rollup = mayShare ? readFileSync(`/proc/${pid}/smaps_rollup`, "utf8") : "";
    // From Linux 5.3 on.
    const { ownBytes, sharedBytes } = memoryIn(rollup, "Pss_Anon", "Pss_Shmem") ?? known;
    return ownBytes + (files.size > 0 ? Math.max(0, sharedBytes - mappedBytes(pid, files)) : sharedBytes);
  } catch (error) {
    // It lets nobody look, at its files neither; or it has ended meanwhile.
    return (error as NodeJS.ErrnoException).code === "EACCES" ? known.ownBytes + known.sharedBytes : 0;
  }
}

/**
 * Files in memory that are open in these processes and that nobody else can open by a path, and what each takes. Whoever keeps others from looking
 * (PR_SET_DUMPABLE) is not seen.
 */
function namelessFiles(pids: Iterable<number>): Map<string, number> {
  const held = new Map<string, number>();
  let room = mostDescriptors;
  for (const pid of pids) {
    for (const path of descriptorsOf(pid)) {
      room -= 1;
      if (room < 0) return held;
      try {
        // Not asked of the file itself before it is known: one on a file system that is away would let nobody go.
        if (!/^\/(memfd:|dev\/shm\/).* \(deleted\)$/s.test(readlinkSync(path))) continue;
        const { dev, ino, blocks } = statSync(path);
        held.set(keyOf(Math.floor(dev / 2 ** 8) & 0xfff, (dev & 0xff) | ((dev >>> 12) & 0xfff00), ino), blocks * 512);
      } catch {
        // It was closed meanwhile.
      }
    }
  }
  return held;
}

/** One by one, since there may be a million of them. */
function* descriptorsOf(pid: number): Generator<string> {
  try {
    const directory = opendirSync(`/proc/${pid}/fd`);
    try {
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        yield `/proc/${pid}/fd/${entry.name}`;
      }
    } finally {
      directory.closeSync();
    }
  } catch {
    // It has ended meanwhile, or lets nobody look.
  }
}

/** Of a process's addresses, those that lead to these files: as much of what it shares is theirs at most. Infinite: it has ended meanwhile. */
function mappedBytes(pid: number, files: ReadonlyMap<string, number>): number {
  const maps = readFileSync(`/proc/${pid}/maps`, "latin1");
  let bytes = maps === "" ? Infinity : 0;
  for (const line of maps.split("\n")) {
    const mapping = /^(\w+)-(\w+) \S+ \w+ (\w+):(\w+) (\d+) .*\(deleted\)$/.exec(line);
    if (!mapping) continue;
    const [start = 0, end = 0, major = 0, minor = 0] = mapping.slice(1, 5).map((part) => Number.parseInt(part, 16));
    if (files.has(keyOf(major, minor, Number(mapping[5])))) bytes += end - start;
  }
  return bytes;
}

function keyOf(major: number, minor: number, inode: number): string {
  return `${major}:${minor} ${inode}`;
}
