import { once } from "node:events";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../../foundation/clock.ts";
import { messageOf } from "../../foundation/errors.ts";
import type { Log } from "../../foundation/log.ts";

const heartbeatMs = 15_000;

export interface StreamedEvent {
  id?: string;
  /** Absent: "message". */
  event?: string;
  data: unknown;
}

export function wantsEventStream(request: FastifyRequest): boolean {
  return request.method === "GET" && (request.headers.accept ?? "").toLowerCase().includes("text/event-stream");
}

/** All server-sent event streams of a server (WHATWG HTML, section 9.2): they end when the server closes. */
export class EventStreams {
  readonly #open = new Set<AbortController>();
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(app: FastifyInstance, { clock, log }: { clock: Clock; log: Log }) {
    this.#clock = clock;
    this.#log = log;
    app.addHook("preClose", async () => {
      for (const stream of this.#open) stream.abort();
    });
  }

  get openCount(): number {
    return this.#open.size;
  }

  /**
   * Answers with a stream: `produce` writes until it returns or `stopped` aborts, which it does when
   * the reader leaves or the server closes. A write waits for a slow reader.
   */
  async answer(
    reply: FastifyReply,
    produce: (write: (event: StreamedEvent) => Promise<void>, stopped: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { raw } = reply.hijack();
    const stop = new AbortController();
    this.#open.add(stop);
    raw.on("close", () => stop.abort());
    raw.on("error", () => stop.abort());
    raw.writeHead(200, {
      ...(reply.getHeaders() as Record<string, string>),
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
    });
    raw.write(": open\n\n");
    const beat = this.#heartbeat(() => raw.write(": alive\n\n"), stop.signal);
    let drained: Promise<void> | undefined;
    const write = async (event: StreamedEvent): Promise<void> => {
      if (stop.signal.aborted || raw.write(textOf(event))) return;
      // One for all who write meanwhile.
      drained ??= once(raw, "drain", { signal: stop.signal }).then(
        () => {
          drained = undefined;
        },
        () => {},
      );
      await drained;
    };
    try {
      await produce(write, stop.signal);
    } catch (error) {
      this.#log.warn({ error: messageOf(error) }, "an event stream ended early");
    } finally {
      beat();
      this.#open.delete(stop);
      raw.end();
    }
  }

  /** Tells proxies and readers that the connection lives; finds out that it does not. */
  #heartbeat(beat: () => void, stopped: AbortSignal): () => void {
    const next = () => {
      if (stopped.aborted) return;
      beat();
      timer = this.#clock.setTimer(heartbeatMs, next);
    };
    let timer = this.#clock.setTimer(heartbeatMs, next);
    return () => timer.cancel();
  }
}

function textOf({ id, event, data }: StreamedEvent): string {
  const name = event === undefined ? "" : `event: ${event}\n`;
  // JSON has no line breaks, so that one data line holds it.
  return `${id === undefined ? "" : `id: ${id}\n`}${name}data: ${JSON.stringify(data)}\n\n`;
}
