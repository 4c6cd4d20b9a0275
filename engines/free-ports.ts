import { once } from "node:events";
import { type AddressInfo, createServer, type Server } from "node:net";

/** On loopback. All at once, so that no two are the same. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  const ports: number[] = [];
  for (let port = 0; port < count; port += 1) {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    held.push(server);
    ports.push((server.address() as AddressInfo).port);
  }
  for (const server of held) {
    server.close();
    await once(server, "close");
  }
  return ports;
}

export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  return port as number;
}
