import { timingSafeEqual } from "node:crypto";
import { chmod } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import type { Clock } from "../../foundation/clock.ts";
import { type Random, randomToken } from "../../foundation/random.ts";
import type { LimitName } from "../../services/run-limits.ts";
import { encodeFrame, FrameReader } from "../frame.ts";
import type { StepHost } from "../step-runner.ts";
import { type Hello, maxAskBytes, maxHelloBytes, type Welcome } from "./channel-message.ts";
import { ChannelSession } from "./channel-session.ts";

/** A caller that has not shown its nonce by then is sent away. */
const helloMs = 10_000;

export interface ChannelEnd {
  /** Why an ask could not be served though nothing was wrong with it. */
  platformFailure: string | undefined;
  /** The limit over which the script failed, by its own account. */
  overrun: LimitName | undefined;
  /** Modules of its interpreter that the script says it has imported. */
  imports: string[] | undefined;
}

/** Takes a connection over; `frames` may hold the beginning of what comes next. `hello`: what it has shown. */
export type Admitted = (socket: Socket, frames: FrameReader, hello: Hello) => void;

export interface OpenChannel {
  nonce: string;
  /** JSON of what whoever dials is told first. */
  welcome: string;
  /** The script has ended: resolves when all that it asked for has been handled, and the channel is closed. */
  close(): Promise<ChannelEnd>;
}

/** What one step needs of its channel. */
export interface StepChannel {
  readonly path: string;
  open(welcome: Welcome, host: StepHost): OpenChannel;
}

/**
 * The socket that the scripts of one slot dial, one after the other (rule S2). The user of the current one alone
 * may; who shows the nonce of the current step first gets its context.
 */
export class SlotChannel implements StepChannel {
  readonly path: string;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #random: Random;
  #current: Admission | undefined;

  private constructor(path: string, clock: Clock, random: Random) {
    this.path = path;
    this.#clock = clock;
    this.#random = random;
    this.#server = createServer((socket) => this.#greet(socket));
  }

  /** `path` is free, and nobody else can put anything there. The executor's own user may dial, until another is made the socket's owner. */
  static async listen(path: string, { clock, random }: { clock: Clock; random: Random }): Promise<SlotChannel> {
    const channel = new SlotChannel(path, clock, random);
    await new Promise<void>((resolve, reject) => {
      channel.#server.once("error", reject);
      channel.#server.listen(path, resolve);
    });
    channel.#server.on("error", () => {});
    await chmod(path, 0o700);
    return channel;
  }

  /** Opens the channel for one step. The one before must be closed. */
  open(welcome: Welcome, host: StepHost): OpenChannel {
    let session: ChannelSession | undefined;
    const text = JSON.stringify(welcome);
    const { nonce, forget } = this.expect((socket, frames) => {
      session = new ChannelSession(socket, frames, host, this.#clock);
      socket.write(encodeFrame(Buffer.from(text)));
    });
    return {
      nonce,
      welcome: text,
      close: async () => {
        forget();
        return endOf(session);
      },
    };
  }

  /** Whoever shows the nonce first is `admitted`, once. What was expected before is so no more. */
  expect(admitted: Admitted): { nonce: string; forget(): void } {
    const admission = new Admission(randomToken(this.#random), admitted);
    this.#current = admission;
    return {
      nonce: admission.nonce,
      forget: () => {
        if (this.#current === admission) this.#current = undefined;
      },
    };
  }

  async close(): Promise<void> {
    this.#current?.socket?.destroy();
    this.#current = undefined;
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #greet(socket: Socket): void {
    const frames = new FrameReader(maxAskBytes);
    const late = this.#clock.setTimer(helloMs, () => socket.destroy());
    let received = 0;
    const onData = (chunk: Buffer) => {
      received += chunk.length;
      if (received > maxHelloBytes) return void socket.destroy();
      // Whoever speaks before it is welcomed is no SDK of ours, so the first frame is all there is.
      for (const frame of frames.read(chunk)) {
        late.cancel();
        socket.off("data", onData);
        if (!this.#current?.admit(frame, socket, frames)) socket.destroy();
        return;
      }
    };
    socket.on("data", onData);
    socket.on("error", () => {});
    socket.on("close", () => late.cancel());
  }
}

/** Resolves when all that was asked for in the session has been handled. */
export async function endOf(session: ChannelSession | undefined): Promise<ChannelEnd> {
  await session?.end();
  const { platformFailure, overrun, imports } = session?.asks ?? {};
  return { platformFailure, overrun, imports };
}

class Admission {
  readonly nonce: string;
  readonly #admitted: Admitted;
  socket: Socket | undefined;

  constructor(nonce: string, admitted: Admitted) {
    this.nonce = nonce;
    this.#admitted = admitted;
  }

  /** True once: for the first that shows the nonce. */
  admit(frame: Buffer, socket: Socket, frames: FrameReader): boolean {
    const hello = helloIn(frame);
    if (this.socket || !hello || !this.#isNonce(hello.nonce)) return false;
    this.socket = socket;
    this.#admitted(socket, frames, hello);
    return true;
  }

  #isNonce(shown: unknown): boolean {
    const given = Buffer.from(String(shown));
    const expected = Buffer.from(this.nonce);
    return given.length === expected.length && timingSafeEqual(given, expected);
  }
}

function helloIn(frame: Buffer): Hello | undefined {
  try {
    const words: unknown = JSON.parse(frame.toString());
    return words !== null && typeof words === "object" ? (words as Hello) : undefined;
  } catch {
    return undefined;
  }
}
