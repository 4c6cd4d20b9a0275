/** How a script is kept from what is not its own (rule S3). */
export type Isolation =
  /** The executor is root: every slot has a user of its own, and so has every process that is warm or started ahead, whose slots come after the steps'. */
  | { kind: "own-user"; firstUid: number; slots: number }
  /** The kernel limits the script to named paths; it may not signal nor inspect anything outside. */
  | { kind: "landlock"; abi: number; python: string }
  | { kind: "none"; reason: string; fix: string };

/** One sentence for start-up and `fx doctor`. */
export function describeIsolation(isolation: Isolation): { isolated: boolean; text: string } {
  switch (isolation.kind) {
    case "own-user": {
      const last = isolation.firstUid + isolation.slots - 1;
      return { isolated: true, text: `each script runs as a user of its own (uid ${isolation.firstUid} to ${last})` };
    }
    case "landlock":
      return {
        isolated: true,
        text: `each script is limited to its own files by Landlock (ABI ${isolation.abi}${isolation.abi < 6 ? "; it can still send signals to processes of this user" : ""})`,
      };
    case "none":
      return {
        isolated: false,
        text: `scripts are NOT isolated: they can read all that this user can, the platform's data directory and token included (${isolation.reason}). ${isolation.fix}`,
      };
  }
}

/**
 * The group that SQL steps run with, beside the user of their slot: it alone can enter the directories of
 * databases, so a script of another language in the same slot, before or after, cannot (rule S4).
 */
export function databaseGroup(isolation: Isolation): number | undefined {
  return isolation.kind === "own-user" ? isolation.firstUid + isolation.slots : undefined;
}

/** The user that installs packages, where slots have users: no script ever runs as that one. */
export function installerUser(isolation: Isolation): number | undefined {
  return isolation.kind === "own-user" ? isolation.firstUid + isolation.slots + 1 : undefined;
}

/** The user of a slot, where slots have users. */
export function userOfSlot(isolation: Isolation, slot: number): { uid: number; gid: number } | undefined {
  if (isolation.kind !== "own-user") return undefined;
  return { uid: isolation.firstUid + slot, gid: isolation.firstUid + slot };
}
