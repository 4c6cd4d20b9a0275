/** What one round measured of one contender: figures by name. */
export type Figures = Record<string, number>;

export interface Contender {
  name: string;
  measure(round: number): Promise<Figures>;
}

export interface Measured {
  name: string;
  /** Of each figure, over all rounds. */
  median: Figures;
  rounds: Figures[];
}

/**
 * Measures the contenders in turn, A B C A B C: what the machine does besides hits all of them, and
 * a ratio within one round means something where the figures alone do not.
 */
export async function interleaved(
  contenders: readonly Contender[],
  rounds: number,
  note: (text: string) => void,
): Promise<Measured[]> {
  const all = contenders.map(({ name }) => ({ name, rounds: [] as Figures[] }));
  for (let round = 1; round <= rounds; round += 1) {
    for (const [index, contender] of contenders.entries()) {
      note(`round ${round} of ${rounds}, ${contender.name}`);
      all[index]?.rounds.push(await contender.measure(round));
    }
  }
  return all.map(({ name, rounds: figures }) => {
    const names = Object.keys(figures[0] ?? {});
    const entries = names.map((figure) => [figure, median(figures.map((round) => round[figure] ?? Number.NaN))]);
    return { name, rounds: figures, median: Object.fromEntries(entries) };
  });
}

/** Median over the rounds of the ratio within each round. */
export function ratio(of: Measured, to: Measured, figure: string): number {
  return median(
    of.rounds.map((round, index) => (round[figure] ?? Number.NaN) / (to.rounds[index]?.[figure] ?? Number.NaN)),
  );
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((left, right) => left - right);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}
