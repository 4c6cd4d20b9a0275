import { readFileSync } from "node:fs";

/** What System V calls them (sysvipc(7)), and what `ipcrm` does. */
const kinds = [
  { file: "shm", id: "shmid", option: "-m" },
  { file: "sem", id: "semid", option: "-s" },
  { file: "msg", id: "msqid", option: "-q" },
] as const;

export interface LeftMemory {
  uid: number;
  /** For `ipcrm`. */
  words: [option: string, id: string];
}

/** Shared memory, semaphores and queues of System V that there are; they outlive whoever made them. None where the kernel has no such. */
export function leftMemory(): LeftMemory[] {
  return kinds.flatMap(({ file, id, option }) => {
    const [head = "", ...rows] = read(`/proc/sysvipc/${file}`).trimEnd().split("\n");
    if (rows.length === 0) return [];
    const columns = wordsOf(head);
    const [idAt, uidAt] = [columns.indexOf(id), columns.indexOf("uid")];
    return rows.map((row): LeftMemory => {
      const words = wordsOf(row);
      return { uid: Number(words[uidAt]), words: [option, words[idAt] ?? ""] };
    });
  });
}

function wordsOf(line: string): string[] {
  return line.trim().split(/\s+/);
}

function read(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
