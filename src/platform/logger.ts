import pino from "pino";
import type { Log } from "../foundation/log.ts";

/** JSON lines on stderr: stdout belongs to what people and programs read. */
export function createLog(level: string): Log {
  return pino(
    { level, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination({ dest: 2, sync: true }),
  );
}
