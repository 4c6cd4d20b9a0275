/**
 * Asks a zygote for a run so often, so many at a time, and takes what each printed: what an isolated run costs when nothing is
 * kept. Arguments: runs, at a time, command, its arguments. Prints JSON: milliseconds in all.
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const [, , runs = "1", atATime = "1", command = "", ...args] = process.argv;
const zygote = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
let asked = 0;
let answered = 0;

function ask(): void {
  if (asked === Number(runs)) return;
  asked += 1;
  zygote.stdin.write(`${JSON.stringify({ id: asked, params: { n: asked } })}\n`);
}

const began = performance.now();
for (let n = 0; n < Number(atATime); n += 1) ask();
for await (const line of createInterface({ input: zygote.stdout })) {
  const { output } = JSON.parse(line);
  if (output.length === 0) throw new Error("a run has printed nothing");
  answered += 1;
  if (answered === Number(runs)) break;
  ask();
}
console.log(JSON.stringify({ elapsedMs: performance.now() - began }));
zygote.stdin.end();
