import type { Json } from "../../src/foundation/json.ts";
import type { SeededRandom } from "./seeded-random.ts";

/** What a simulated script does, in order. */
export type Instruction =
  | { do: "work"; ms: number }
  | {
      do: "emit";
      type: string;
      data: Json;
      /** Its own id; else the platform derives one. */
      id?: string;
      /** Another flow than the trigger's. */
      correlationId?: string;
      /** Not awaited: the script goes on, and ends, without looking at what became of it. */
      awaited: boolean;
      /** The data tells the attempt, so that a retried attempt sends another event. */
      differs: boolean;
    }
  | { do: "put"; key: string; awaited: boolean }
  | { do: "print"; text: string }
  | { do: "log"; text: string }
  /** Asks for another run, unless this one is such a run: it would never end. */
  | { do: "retry"; delayMs: number }
  /** Ends badly, in attempts up to and including this one. */
  | { do: "fail" | "crash" | "hang" | "vanish"; untilAttempt: number };

export interface Program {
  instructions: Instruction[];
}

/** Draws a script. `types` are the event types it may emit, which decides what chains and loops there are. */
export function drawProgram(random: SeededRandom, types: readonly string[]): Program {
  const instructions: Instruction[] = [];
  const count = random.between(1, 4);
  for (let index = 0; index < count; index += 1) instructions.push(drawInstruction(random, types));
  return { instructions };
}

function drawInstruction(random: SeededRandom, types: readonly string[]): Instruction {
  const dice = random.fraction();
  if (dice < 0.25) return { do: "work", ms: random.pick([0, 5, 100, 400, 2000, 8000]) };
  if (dice < 0.6 && types.length > 0) {
    const type = random.chance(0.03) ? "fx.service.run_requested" : random.pick(types);
    return {
      do: "emit",
      type,
      data: { n: random.below(3) },
      ...(random.chance(0.1) ? { id: `own-${random.below(4)}` } : {}),
      ...(random.chance(0.1) ? { correlationId: `flow-${random.below(3)}` } : {}),
      awaited: random.chance(0.7),
      differs: random.chance(0.15),
    };
  }
  if (dice < 0.7) return { do: "put", key: random.pick(["count", "last"]), awaited: random.chance(0.8) };
  if (dice < 0.82) return { do: "print", text: "x".repeat(random.between(1, 2000)) };
  if (dice < 0.88) return { do: "log", text: "a line" };
  if (dice < 0.92) return { do: "retry", delayMs: random.pick([1000, 3000, 10_000]) };
  const untilAttempt = random.pick([1, 1, 2, 100]);
  return { do: random.pick(["fail", "fail", "crash", "hang", "vanish"] as const), untilAttempt };
}
