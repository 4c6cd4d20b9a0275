import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { type Session, withSession } from "../session.ts";

export function defineLedger(program: Command): Command {
  const ledger = program
    .command("ledger")
    .description("the account of every event")
    .action(() => ledger.help());
  ledger
    .command("reconcile")
    .description("compare what the backbone holds with what the ledger decided; exit code 1 if they differ")
    .action(withSession(reconcile));
  return ledger;
}

async function reconcile({ api, terminal }: Session): Promise<void> {
  const { fetchReconciliation } = await import("../ledger/reconciliation.ts");
  const answer = await fetchReconciliation(api);
  await terminal.one(answer, () => JSON.stringify(answer));
  if (!answer.balanced) throw new CliError({ what: "the ledger and the backbone differ", exit: "refused" });
}
