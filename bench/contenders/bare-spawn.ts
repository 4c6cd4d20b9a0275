/**
 * Runs a command so often, so many at a time, and collects its output: what a run costs when nothing is kept, isolated or
 * awaited. A process of its own, because a large parent starts children slowly. Arguments: runs, at a time, command, its
 * arguments. Prints JSON: milliseconds in all, and until the first line of each.
 */
import { spawn } from "node:child_process";

const [, , runs = "1", atATime = "1", command = "", ...args] = process.argv;
const firstLineMs: number[] = [];

function run(): Promise<void> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], detached: true });
    child.stdout.once("data", () => firstLineMs.push(performance.now() - began));
    child.stderr.resume();
    child.on("error", reject);
    child.on("close", (code) => (code === 0 ? resolve() : reject(new Error(`${command} ended with ${code}`))));
  });
}

let left = Number(runs);
async function work(): Promise<void> {
  while (left-- > 0) await run();
}
const began = performance.now();
await Promise.all(Array.from({ length: Number(atATime) }, work));
console.log(JSON.stringify({ elapsedMs: performance.now() - began, firstLineMs }));
