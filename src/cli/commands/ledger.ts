import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import type { Time } from "../connection/wire.ts";
import type { PartitionAccount } from "../ledger/reconciliation.ts";
import { type Session, withSession } from "../session.ts";
import type { Column } from "../terminal/column.ts";
import { wholeNumber } from "../terminal/read-options.ts";
import { safe } from "../terminal/safe.ts";
import { clockText, countText } from "../terminal/times.ts";

/** Of a value, in a table; `--json` shows more. */
const shownCharacters = 60;

const numbers = [
  "accepted",
  "routed",
  "matched",
  "unmatched",
  "duplicate",
  "rejected",
  "counted",
  "passed",
  "pending",
] as const;

const columns: Column<PartitionAccount>[] = [
  { title: "topic", of: ({ topic }) => topic },
  { title: "partition", of: ({ partition }) => String(partition) },
  ...numbers.map((name) => ({ title: name, of: (row: PartitionAccount) => String(row[name]) })),
  { title: "verdict", of: ({ balanced }, paint) => (balanced ? paint("green", "balanced") : paint("red", "differs")) },
];

interface DeadLetter {
  at: Time;
  topic: string;
  partition: number;
  offset: number;
  reason: string;
  value: string;
}

const deadLetterColumns: Column<DeadLetter>[] = [
  { title: "set aside", of: ({ at }) => clockText(at, Date.now()) },
  { title: "from", of: ({ topic, partition, offset }) => `${topic}/${partition}/${offset}` },
  { title: "why", of: ({ reason }) => safe(reason) },
  { title: "value", of: ({ value }) => safe(value.slice(0, shownCharacters)) },
];

export function defineLedger(program: Command): Command {
  const ledger = program.command("ledger").description("the account of every event");
  ledger
    .command("reconcile")
    .description("compare what the backbone took with what the ledger decided; exit code 1 if they differ")
    .action(withSession(reconcile));
  ledger
    .command("dead-letters")
    .description("records that could not be used, and why, newest first")
    .option("--limit <count>", "at most so many", wholeNumber(1, 1000), 50)
    .action(withSession(deadLetters));
  return ledger;
}

async function deadLetters({ api, terminal }: Session, { limit }: { limit: number }): Promise<void> {
  const { items } = await api.get<{ items: DeadLetter[] }>("/api/v1/dead-letters", { limit });
  await terminal.list(items, deadLetterColumns, "every record could be used");
}

async function reconcile({ api, terminal }: Session): Promise<void> {
  const [{ fetchReconciliation }, { tableText }] = await Promise.all([
    import("../ledger/reconciliation.ts"),
    import("../terminal/table.ts"),
  ]);
  const answer = await fetchReconciliation(api);
  await terminal.one(answer, () => tableText(answer.partitions, columns, terminal.paint));
  if (!answer.balanced) {
    const off = answer.partitions.filter(({ balanced }) => !balanced).length;
    throw new CliError({
      what: `the ledger and the backbone differ in ${countText(off, "partition")}`,
      why: "routed records and outcomes do not add up: an event was lost or decided twice",
      fix: "please report this with the table above",
      exit: "refused",
    });
  }
  const pending = answer.pending > 0 ? `; ${countText(answer.pending, "event")} wait to be routed` : "";
  terminal.say(`every routed record has exactly one outcome${pending}`);
}
