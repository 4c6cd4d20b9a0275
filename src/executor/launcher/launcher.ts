import type { LimitName, RunLimits } from "../../services/run-limits.ts";

/**
 * A small process that starts scripts, because a spawn blocks its parent for as long as the parent
 * is large. It owns process groups: whatever happens to the executor, no script outlives its lease
 * (rule D8): a group is killed on `stop`, when its time to live ends by the monotonic clock, and
 * when the connection to the executor ends.
 *
 * One launcher spawns commands (`LauncherClient`); a zygote forks a warm interpreter (`Zygote`). Where there is a zygote, programs
 * too are started by it: it is smaller, so a start costs less, and its children limit themselves without a program in between.
 */
export interface Launcher<Request> {
  start(request: Request, listener: LaunchListener): Launched;
  /** Resolves when it can start scripts. A launcher that dies is started again; its runs end as `lost`. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

interface RunRequest {
  cwd: string;
  env: Record<string, string>;
  /** The script's own user, where the executor may choose one (rule S3). */
  user: { uid: number; gid: number } | undefined;
  /** Output past this many bytes is read and dropped. */
  outputCapBytes: number;
  limits: RunLimits;
  /** See RuntimeCommand. */
  setAsideBytes: number;
}

export interface LaunchRequest extends RunRequest {
  command: string;
  args: string[];
  /** No script: it has no line for the order of its output. */
  isTool?: true;
  /** Whole, on its stdin. */
  input?: string;
  /** Undefined: for as long as the launcher lives. */
  ttlMs: number | undefined;
}

export interface ForkRequest extends RunRequest {
  /** Infinity: for as long as the executor lives. */
  ttlMs: number;
  /** What the script may reach, where it is kept to its files by Landlock. */
  landlock: { read: string[]; write: string[] } | undefined;
  /** The rest of what a sandbox closes; `landlock` is there then. */
  sandbox?: { network: boolean };
  /** What the child becomes; without it, the script of its context runs in it. */
  exec?: string[];
  /** Its channel is dialled before it becomes that: a connection to wait on, the descriptor that FX_WAIT names from then on. */
  waitsOnDescriptor?: true;
  /** JSON of the `Welcome` that it would be told on its channel: without an exchange, and the channel is dialled when it is needed. */
  welcome?: string;
}

export interface LaunchListener {
  started(pid: number): void;
  /** Until it resolves, the bytes count against the run's window; a full window slows the script down. */
  output(stream: "stdout" | "stderr", bytes: Uint8Array): void | Promise<void>;
  /**
   * Of a run that was started for as long as the executor lives: it was refused a process, for the limit of them, and that after it
   * had been kept alive so often. Others are ended for it.
   */
  refused?(keptAlive: number): void;
  /** Called once, last: the group is gone and the pipes are read to their end. */
  ended(end: LaunchEnd): void;
}

export interface Launched {
  /** Infinity: for as long as the executor lives; what it uses is not looked at until it is given another. */
  keepAlive(ttlMs: number): void;
  /** Resolves when all that was written to its pipes until now has been given to `output`, or it has ended. */
  drain(): Promise<void>;
  /** SIGTERM to the group now, SIGKILL after `graceMs`. */
  stop(graceMs: number): void;
}

export type LaunchEnd =
  | { kind: "exited"; code: number; truncated: boolean }
  /** `used`: where it is known. */
  | { kind: "signalled"; signal: string; truncated: boolean; used?: { cpuMs: number } }
  | { kind: "expired"; truncated: boolean }
  /** Ended for using more than it may. */
  | { kind: "overrun"; limit: LimitName; truncated: boolean }
  | { kind: "lost"; message: string }
  | { kind: "unstartable"; message: string };
