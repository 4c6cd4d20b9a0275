import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";

/** An index of Python packages over HTTP (PEP 503), of the wheels in a directory. */
export class PackageIndex {
  readonly #wheels: string;
  readonly #server: Server;
  /** It hangs up on everybody. */
  isAway = false;
  /** It answers everybody with this status. */
  failing: number | undefined;

  private constructor(wheels: string) {
    this.#wheels = wheels;
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async serve(wheels: string): Promise<PackageIndex> {
    const index = new PackageIndex(wheels);
    index.#server.listen(0, "127.0.0.1");
    await once(index.#server, "listening");
    return index;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/simple`;
  }

  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  #answer({ url = "", socket }: IncomingMessage, response: ServerResponse): void {
    if (this.isAway) return void socket.destroy();
    if (this.failing !== undefined) return void response.writeHead(this.failing).end();
    const [, where, name = ""] = url.split("/");
    if (where === "files") return void response.end(readFileSync(join(this.#wheels, basename(name))));
    const files = readdirSync(this.#wheels).filter((file) => file.startsWith(`${name}-`));
    response.setHeader("content-type", "text/html");
    response.end(files.map((file) => `<a href="/files/${file}">${file}</a>`).join("\n"));
  }
}
