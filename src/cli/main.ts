import { enableCompileCache } from "node:module";

enableCompileCache();
process.stdout.on("error", endQuietlyOnClosedPipe);

const { runProgram } = await import("./run-program.ts");
process.exitCode = await runProgram(process.argv.slice(2));

/** `fx events | head -3` closes our output on purpose. */
function endQuietlyOnClosedPipe(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
}
