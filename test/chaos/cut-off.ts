import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { connect, createServer, type Server, type Socket } from "node:net";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { eventually } from "../support/eventually.ts";

const doorman = fileURLToPath(new URL("./network-doors-until-killed.ts", import.meta.url));

/**
 * A network of its own, from which only some ports of this machine are reached, by lines that can be cut: what is sent then
 * arrives nowhere and no connection is refused, as when a switch dies. Needs root. Gone when the test ends.
 */
export class CutOffNetwork {
  /** Before a command line: what runs it inside. */
  readonly through: readonly string[];
  readonly #pairs = new Set<[Socket, Socket]>();
  readonly #servers: Server[] = [];
  #isCut = false;

  private constructor(name: string) {
    this.through = ["ip", "netns", "exec", name, process.execPath];
  }

  static async open(name: string, directory: string, ports: readonly number[]): Promise<CutOffNetwork> {
    execFileSync("ip", ["netns", "add", name]);
    onTestFinished(() => void execFileSync("ip", ["netns", "delete", name]));
    execFileSync("ip", ["-n", name, "link", "set", "lo", "up"]);
    const network = new CutOffNetwork(name);
    mkdirSync(directory, { recursive: true });
    for (const port of ports) await network.#serve(path.join(directory, String(port)), port);
    onTestFinished(() => network.#close());
    const [command = "", ...args] = network.through;
    const doors = spawn(command, [...args, doorman, directory, ...ports.map(String)], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(async () => {
      doors.kill("SIGKILL");
      if (doors.exitCode === null && doors.signalCode === null) await once(doors, "exit");
    });
    let said = "";
    doors.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await eventually(() => said.includes("open"));
    return network;
  }

  cut(): void {
    this.#isCut = true;
    for (const pair of this.#pairs) for (const socket of pair) socket.unpipe().pause();
  }

  mend(): void {
    this.#isCut = false;
    for (const pair of this.#pairs) join(pair);
  }

  async #serve(socketPath: string, port: number): Promise<void> {
    const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (inner) => {
      const outer = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
      const pair: [Socket, Socket] = [inner, outer];
      this.#pairs.add(pair);
      for (const socket of pair) {
        socket.on("error", () => {});
        socket.on("close", () => {
          this.#pairs.delete(pair);
          for (const each of pair) each.destroy();
        });
      }
      if (!this.#isCut) join(pair);
    });
    server.listen(socketPath);
    await once(server, "listening");
    this.#servers.push(server);
  }

  async #close(): Promise<void> {
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    for (const server of this.#servers) {
      server.close();
      await once(server, "close");
    }
  }
}

function join([inner, outer]: [Socket, Socket]): void {
  inner.pipe(outer);
  outer.pipe(inner);
}
