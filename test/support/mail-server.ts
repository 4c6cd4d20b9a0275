import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

export interface ReceivedMail {
  /** Who logged in, as `user:password`; undefined: nobody did. */
  login: string | undefined;
  from: string;
  to: string[];
  text: string;
}

/** A server of RFC 5321 on the loopback that takes every mail, and AUTH PLAIN. */
export class MailServer {
  readonly received: ReceivedMail[] = [];
  readonly #server = createServer((socket) => this.#talk(socket));

  async start(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    this.#server.close();
    await once(this.#server, "close");
  }

  #talk(socket: Socket): void {
    const mail: ReceivedMail = { login: undefined, from: "", to: [], text: "" };
    const say = (line: string) => socket.write(`${line}\r\n`);
    let inData = false;
    let rest = "";
    say("220 ready");
    socket.on("error", () => socket.destroy());
    socket.setEncoding("utf8").on("data", (piece: string) => {
      const lines = (rest + piece).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) {
        if (inData && line !== ".") mail.text += `${line.replace(/^\.\./, ".")}\n`;
        else if (inData) {
          inData = false;
          this.received.push({ ...mail });
          say("250 taken");
        } else if (line.toUpperCase() === "DATA") {
          inData = true;
          say("354 go on");
        } else this.#answer(line, mail, say);
        if (/^QUIT$/i.test(line)) socket.end("221 bye\r\n");
      }
    });
  }

  #answer(line: string, mail: ReceivedMail, say: (line: string) => void): void {
    const [, from] = /^MAIL FROM:<(.*?)>/i.exec(line) ?? [];
    const [, to] = /^RCPT TO:<(.*?)>/i.exec(line) ?? [];
    const [, plain] = /^AUTH PLAIN (.*)$/i.exec(line) ?? [];
    if (from !== undefined) mail.from = from;
    if (to !== undefined) mail.to.push(to);
    if (plain !== undefined) mail.login = Buffer.from(plain, "base64").toString().split("\0").slice(1).join(":");
    if (/^QUIT$/i.test(line)) return;
    if (/^EHLO/i.test(line)) say("250-mail.test");
    say(/^EHLO/i.test(line) ? "250 AUTH PLAIN" : plain === undefined ? "250 good" : "235 logged in");
  }
}
