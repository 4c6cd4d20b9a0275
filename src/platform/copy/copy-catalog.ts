import { type FilledTable, tablesOfTheBus } from "../../catalog/contents.ts";
import type { Port } from "../roles.ts";
import type { Both } from "./open-both.ts";
import type { Progress } from "./progress.ts";

/**
 * The catalog, last of all and in one transaction: until it is there no platform finds anything to do, and from then on
 * it finds everything else in place. Where the backbone moves as well, how far that one was routed stays behind.
 */
export async function copyCatalog(
  { source, target }: Both,
  moved: readonly Port[],
  progress: Progress,
): Promise<FilledTable[]> {
  const { contents } = source.catalog;
  const without = moved.includes("bus") ? tablesOfTheBus : [];
  if (await isThere({ source, target }, without)) {
    progress.step("  it is there already, from an earlier try");
    return [...(await contents.counts())]
      .filter(([table]) => !without.includes(table))
      .map(([table, rows]) => ({ table, rows }));
  }
  return target.catalog.contents.fill(contents, {
    without,
    onRows: (table, rows) => progress.reached(table, rows),
  });
}

/** Where only the backbone moves: nothing of the new one is taken for routed or watched (rule D13). */
export async function beginBackboneAnew({ target }: Both): Promise<void> {
  const { routing, alerts } = target.catalog;
  await routing.startAnew(await routing.positions());
  await alerts.startAnew(await alerts.positions());
}

async function isThere(
  { source, target }: Pick<Both, "source" | "target">,
  without: readonly string[],
): Promise<boolean> {
  const counts = await target.catalog.contents.counts();
  return counts.size > 0 && (await target.catalog.contents.equals(source.catalog.contents, without));
}
