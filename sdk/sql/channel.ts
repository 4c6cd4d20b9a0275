import { connect, type Socket } from "node:net";
import type { Json } from "./template.ts";

export interface Welcome {
  directory: string;
  context: {
    params: Json;
    config: Json;
    event: Json;
    previous: Json;
    service: { project: string; name: string; version: string };
    execution: {
      id: string;
      attempt: number;
      step: number;
      script: string;
      replay: boolean;
      original: string | null;
    };
  };
}

/** The private channel of one run: frames of a length (4 bytes, big-endian) and JSON. One request is under way at a time. */
export class Channel {
  readonly #socket: Socket;
  readonly #incoming: AsyncIterator<Json>;
  #nextId = 1;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#incoming = framesOf(socket);
  }

  static async dial(path: string, nonce: string): Promise<{ channel: Channel; welcome: Welcome }> {
    const socket = connect(path);
    socket.on("error", () => {});
    const channel = new Channel(socket);
    channel.#send({ nonce });
    return { channel, welcome: (await channel.#receive()) as unknown as Welcome };
  }

  async request(op: string, fields: { [name: string]: Json } = {}): Promise<Json> {
    this.#send({ id: this.#nextId++, op, ...fields });
    const answer = (await this.#receive()) as { value: Json; error?: { message: string } };
    if (answer.error) throw new Error(answer.error.message);
    return answer.value;
  }

  /** Sends what needs no answer. */
  tell(op: string, fields: { [name: string]: Json }): void {
    this.#send({ op, ...fields });
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }

  #send(message: Json): void {
    const body = Buffer.from(JSON.stringify(message));
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    this.#socket.write(Buffer.concat([head, body]));
  }

  async #receive(): Promise<Json> {
    const { value, done } = await this.#incoming.next();
    if (done) throw new Error("the platform has closed the run's channel");
    return value;
  }
}

async function* framesOf(socket: Socket): AsyncGenerator<Json, undefined> {
  let pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of socket) {
    pieces.push(piece);
    length += piece.length;
    for (;;) {
      if (length < 4) break;
      if ((pieces[0] as Buffer).length < 4) pieces = [Buffer.concat(pieces)];
      const size = 4 + (pieces[0] as Buffer).readUInt32BE();
      if (length < size) break;
      const whole = Buffer.concat(pieces);
      pieces = [whole.subarray(size)];
      length -= size;
      yield JSON.parse(whole.toString("utf8", 4, size));
    }
  }
  return undefined;
}
