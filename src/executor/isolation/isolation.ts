/** How a script is kept from what is not its own (rule S3). */
export type Isolation =
  /** The executor is root: every process has a user of its own, a new one each time (run-users.ts). */
  | { kind: "own-user"; firstUid: number; lastUid: number }
  /** The kernel limits the script to named paths; it may not signal nor inspect anything outside. */
  | { kind: "landlock"; abi: number; python: string }
  | { kind: "none"; reason: string; fix: string };

/** One sentence for start-up and `fx doctor`. */
export function describeIsolation(isolation: Isolation): { isolated: boolean; text: string } {
  switch (isolation.kind) {
    case "own-user": {
      const { firstUid, lastUid } = isolation;
      return { isolated: true, text: `each run has a user of its own (uid ${firstUid} to ${lastUid}, in turn)` };
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
