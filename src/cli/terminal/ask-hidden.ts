import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { usageError } from "../cli-error.ts";

/** Asks at the terminal; what is typed is not shown. */
export function askHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once("line", (line) => {
      lines.removeAllListeners("close");
      lines.close();
      process.stderr.write("\n");
      resolve(line);
    });
    lines.once("close", () => reject(usageError("no value was given")));
  });
}
