// The manifest's concurrency_key makes the runs of one flow happen one after the other, so that reading the state,
// adding to it and putting it back is never disturbed by another run.
import { context } from "@streamzero/fx";
import { addPart, type Collected, type Part } from "./collect.ts";
import { writeReport } from "./write-report.ts";

const flow = String(context.event.correlationid);
const part = context.params.all() as Part;

const before = (await context.state.get<Collected | null>(flow)) ?? { parts: {}, months: {} };
const collected = addPart(before, part);
await context.state.put(flow, collected);

const arrived = Object.keys(collected.parts).length;
console.log(`${part.batch}: part ${arrived} of ${part.batches}`);

if (arrived === part.batches) {
  const { markdown, totals } = writeReport(collected);
  console.log(markdown);
  await context.events.send("weather.summary", { ...totals, markdown });
  // Only now: were this run killed before here, its repetition would find all parts and send the same summary again.
  await context.state.put(flow, null);
}
