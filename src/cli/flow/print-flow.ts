import type { Session } from "../session.ts";
import { drawnExecutions, drawTree } from "./draw-tree.ts";
import { buildFlowTree, type FlowParts } from "./flow-tree.ts";
import { outputTails } from "./output-tails.ts";

/** The flow on standard output: a tree for people, its parts as JSON. */
export async function printFlow(
  session: Session,
  parts: FlowParts,
  { everything }: { everything: boolean },
): Promise<void> {
  const { terminal, api } = session;
  await terminal.one(parts, async () => {
    const roots = buildFlowTree(parts);
    const outputs = await outputTails(api, drawnExecutions(roots, everything));
    return drawTree(roots, { paint: terminal.paint, outputs, everything });
  });
}
