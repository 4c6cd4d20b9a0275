import type { Figures } from "../support/rounds.ts";
import type { AllFigures } from "./figures.ts";

/** The model and what was measured differ by no more. Chosen with two rounds on a machine at rest in sight, which differed by 9 to 22 %. */
export const statedError = 0.25;

export interface Prediction {
  name: string;
  measured: number;
  predicted: number;
}

/**
 * Executions a second with more executors, from what one execution takes with one: by the processors that were kept busy, and no more
 * than any of the processes can do.
 */
export function predictions(all: AllFigures): Prediction[] {
  const { "nothing, 1 executor": one, ...others } = all["executions-on-engines"]?.figures ?? {};
  if (one === undefined) throw new Error("bench/scaling/figures.json has nothing of executions-on-engines");
  return Object.entries(others).flatMap(([name, figures]) => {
    const executors = Number(/^nothing, (\d+) executors$/.exec(name)?.[1]);
    if (Number.isNaN(executors)) return [];
    return [{ name, measured: figures.perSecond ?? 0, predicted: predicted(one, figures.busy ?? 0, executors) }];
  });
}

function predicted(
  { all = 0, manager = 0, router = 0, sink = 0, executor = 0 }: Figures,
  busy: number,
  executors: number,
) {
  const a = 1000;
  return Math.min((busy * a) / all, a / manager, a / router, a / sink, (executors * a) / executor);
}
