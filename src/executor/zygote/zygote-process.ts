import { rm } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Clock } from "../../foundation/clock.ts";
import { PlatformError } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";
import { noLimits } from "../../services/run-limits.ts";
import { LaunchConnection } from "../launcher/launch-connection.ts";
import type {
  ForkRequest,
  LaunchEnd,
  Launched,
  Launcher,
  LaunchListener,
  LaunchRequest,
} from "../launcher/launcher.ts";
import { pythonFlags } from "../runtimes/python.ts";
import type { Preloaded } from "./preload.ts";

export interface ZygoteParts {
  launcher: Launcher<LaunchRequest>;
  /** The interpreter: its file decides whether a zygote is still of today. */
  python: string;
  /** Modules that it imports ahead, as far as that is safe. */
  preload: readonly string[];
  /** The directory of the Python SDK. */
  sdk: string;
  /** Where each run gets a control group of its own; undefined: there are none. */
  groups: string | undefined;
  /** Where its socket may lie: a directory that nobody else can enter. */
  socketDirectory: string;
  clock: Clock;
  log: Log;
  /** A zygote that has grown by more is replaced: each of its pages makes every fork dearer. */
  maxGrowthBytes?: number;
}

const program = fileURLToPath(new URL("./zygote.py", import.meta.url));
const readyMs = 10_000;
const closeMs = 5_000;
const complaintBytes = 4_000;
let opened = 0;

/**
 * One warm interpreter, from its start to its end. The launcher spawns it, and kills it and all that it
 * forked when the executor dies; it dials the executor, so that what scripts write takes no detour.
 */
export class ZygoteProcess {
  readonly pid: number;
  /** Undefined: it was not to import anything ahead. */
  readonly preloaded: Preloaded | undefined;
  readonly #connection: LaunchConnection<"fork">;
  readonly #clock: Clock;
  readonly #spawned: Launched;
  readonly #ended: Promise<void>;
  #idle: (() => void) | undefined;

  private constructor(
    pid: number,
    preloaded: Preloaded | undefined,
    connection: LaunchConnection<"fork">,
    clock: Clock,
    spawned: Launched,
    ended: Promise<void>,
  ) {
    this.pid = pid;
    this.preloaded = preloaded;
    this.#connection = connection;
    this.#clock = clock;
    this.#spawned = spawned;
    this.#ended = ended;
  }

  /** Resolves once it can fork. Rejects with `unavailable`, saying what it complained of. `died`: it has ended, at whose wish ever. */
  static async open(
    { launcher, python, preload, sdk, groups = "", socketDirectory, clock, log }: ZygoteParts,
    died: (process: ZygoteProcess, lostRuns: number) => void,
  ): Promise<ZygoteProcess> {
    await launcher.ready();
    const path = join(socketDirectory, `z${++opened}`);
    await rm(path, { force: true });
    const { server, dialled } = await listen(path);
    const ended = Promise.withResolvers<LaunchEnd>();
    const started = Promise.withResolvers<number>();
    let complaint = "";
    const spawned = launcher.start(
      {
        command: python,
        args: [...pythonFlags, program, path, sdk, groups, ...(preload.length > 0 ? [preload.join(",")] : [])],
        cwd: "/",
        env: {},
        user: undefined,
        setAsideBytes: 0,
        ttlMs: undefined,
        outputCapBytes: Number.MAX_SAFE_INTEGER,
        limits: noLimits,
      },
      {
        started: started.resolve,
        output(_, bytes) {
          complaint = `${complaint}${Buffer.from(bytes)}`.slice(-complaintBytes);
          log.warn({ text: Buffer.from(bytes).toString().trim() }, "the warm Python complains");
        },
        ended: ended.resolve,
      },
    );
    const late = clock.setTimer(readyMs, () => spawned.stop(0));
    try {
      const tooEarly = ended.promise.then((end): never => {
        const why = complaint.trim() || JSON.stringify(end);
        throw new PlatformError("unavailable", `'${python}' ended before it was ready: ${why}`);
      });
      const socket = await Promise.race([dialled, tooEarly]);
      const isReady = Promise.withResolvers<Preloaded | undefined>();
      const connection = new LaunchConnection(socket, "fork", isReady.resolve);
      const preloaded = await Promise.race([isReady.promise, tooEarly]);
      const pid = await started.promise;
      const process = new ZygoteProcess(
        pid,
        preloaded,
        connection,
        clock,
        spawned,
        ended.promise.then(() => {}),
      );
      void ended.promise.then(() =>
        died(process, connection.lose("the warm interpreter that it was forked from ended")),
      );
      return process;
    } finally {
      late.cancel();
      // Nobody else dials it from now on.
      server.close();
      await rm(path, { force: true });
    }
  }

  start(request: ForkRequest, listener: LaunchListener): Launched {
    return this.#connection.start(request, {
      ...listener,
      started: (pid) => listener.started(pid),
      output: (stream, bytes) => listener.output(stream, bytes),
      ended: (end) => {
        listener.ended(end);
        if (this.#connection.size === 0) this.#idle?.();
      },
    });
  }

  /** Starts nothing more; goes when its last run has ended. Resolves when it is gone. */
  endWhenIdle(): Promise<void> {
    this.#idle = () => this.#connection.end();
    if (this.#connection.size === 0) this.#idle();
    return this.#ended;
  }

  /** Ends it with all that it runs. */
  async close(): Promise<void> {
    this.#connection.end();
    const late = this.#clock.setTimer(closeMs, () => this.#spawned.stop(0));
    await this.#ended;
    late.cancel();
  }
}

async function listen(path: string): Promise<{ server: Server; dialled: Promise<Socket> }> {
  const { promise: dialled, resolve } = Promise.withResolvers<Socket>();
  const server = createServer(resolve);
  await new Promise<void>((listening, reject) => {
    server.once("error", reject);
    server.listen(path, listening);
  });
  return { server, dialled };
}
