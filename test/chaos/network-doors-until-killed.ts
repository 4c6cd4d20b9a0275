import { once } from "node:events";
import { connect, createServer } from "node:net";
import path from "node:path";

/** Inside a network of its own: whoever connects to one of the ports is led to the socket that is named after it. */
const [directory = "", ...ports] = process.argv.slice(2);

for (const port of ports) {
  const server = createServer({ allowHalfOpen: true }, (inner) => {
    const line = connect({ path: path.join(directory, port), allowHalfOpen: true });
    for (const [socket, other] of [
      [inner, line],
      [line, inner],
    ] as const) {
      socket.on("error", () => {});
      socket.on("close", () => other.destroy());
      socket.pipe(other);
    }
  });
  server.listen(Number(port), "127.0.0.1");
  await once(server, "listening");
}
process.stdout.write("open\n");
