import type { Running } from "../peer.ts";
import type { Ran, Stage } from "./stage.ts";

const patienceMs = 180_000;

interface Request {
  do: "burst" | "paced" | "flow";
  [argument: string]: string | number;
}

interface Answer {
  ms?: number;
  sent?: number[];
  error?: string;
}

interface DriverProgram {
  command: string;
  args: readonly string[];
  cwd: string;
  env?: Record<string, string>;
}

/**
 * A contender that a program in its own language drives, with its own client: one request in JSON a line on its standard
 * input, one answer, after the word `bench`, a line of its output (`shared/drive.py`, `shared/drive.mjs`).
 */
export async function driven(stage: Stage, program: DriverProgram): Promise<Running> {
  const driver = await stage.run({ ...program, ready: /^bench ready/ });
  return {
    burst: async (first, jobs) => (await ask(stage, driver, { do: "burst", first, jobs })).ms as number,
    flow: async (steps, n) => (await ask(stage, driver, { do: "flow", steps, n })).ms as number,
    paced: async (first, jobs, everyMs) => {
      const { sent = [] } = await ask(stage, driver, { do: "paced", first, jobs, everyMs });
      const starts = await stage.startsOf(first, jobs);
      return starts.map((at, index) => at - (sent[index] as number));
    },
  };
}

async function ask(stage: Stage, { child, lines }: Ran, request: Request): Promise<Answer> {
  const { promise: answered, resolve, reject } = Promise.withResolvers<Answer>();
  // Several lines may come at once: none of them may be missed.
  const hear = (line: string) => {
    if (line.startsWith("bench ")) resolve(JSON.parse(line.slice("bench ".length)));
  };
  const late = setTimeout(() => reject(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
  lines.on("line", hear);
  try {
    child.stdin?.write(`${JSON.stringify(request)}\n`);
    const answer = await answered;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  } catch (error) {
    throw new Error(`${JSON.stringify(request)}: ${(error as Error).message}: ${stage.said}`, { cause: error });
  } finally {
    clearTimeout(late);
    lines.off("line", hear);
  }
}
