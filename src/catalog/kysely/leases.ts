import { sql } from "kysely";
import type { ExecutionError } from "../../executions/execution.ts";
import type { ExpiredLease, LeaseStore, RenewedLease } from "../leases.ts";
import { padded } from "./bulk-insert.ts";
import { claim } from "./claim.ts";
import { endAttempts } from "./end-attempts.ts";
import { type ExecutionRow, holdUnchanged } from "./execution-rows.ts";
import { readHeld } from "./held-leases.ts";
import { release } from "./release.ts";
import { writeSteps } from "./steps.ts";
import { inTransaction, type StoreContext, type Tx } from "./store-context.ts";

/** Attempts ended in one transaction when all of another owner's are. */
const expireChunk = 500;

export function leaseStore(context: StoreContext): LeaseStore {
  const { traits } = context;
  return {
    claim: (request) => claim(context, request),
    release: (leases) => release(context, leases),

    renew: (leases, leaseMs) =>
      inTransaction(context, async (tx, now) => {
        const held = await readHeld(context, tx, leases);
        const renewed: RenewedLease[] = [];
        const running: number[] = [];
        const until = now + leaseMs;
        for (const { id, token } of leases) {
          const row = held.get(id);
          if (row?.token !== token || row.lease_owner === null) {
            renewed.push({ id, held: false });
            continue;
          }
          running.push(row.seq);
          const lease = { owner: row.lease_owner, token, until };
          renewed.push({ id, held: true, lease, cancelRequested: row.cancel_requested === 1 });
        }
        if (running.length > 0) {
          await tx.updateTable("executions").set({ lease_until: until }).where("seq", "in", padded(running)).execute();
        }
        return renewed;
      }),

    recordSteps: (records) =>
      inTransaction(context, async (tx) => {
        const held = await readHeld(context, tx, records);
        const current = records.flatMap(({ id, token, steps }) => {
          const row = held.get(id);
          return row?.token === token ? [{ id, attempt: row.attempt, steps }] : [];
        });
        await writeSteps(tx, current);
      }),

    async finish(reports, onClaimable) {
      const { answers, claimable } = await inTransaction(context, async (tx, now) => {
        const held = await readHeld(context, tx, reports);
        const ending = reports.flatMap(({ id, token, steps, captured, outcome }) => {
          const row = held.get(id);
          return row?.token === token ? [{ row, steps, captured, outcome }] : [];
        });
        const { ended, claimable } = await endAttempts(context, tx, ending, now);
        // Consumed one by one: of two reports in one call on the same attempt, the first ended it.
        const applied = new Set(ended.map(({ id, token }) => `${token} ${id}`));
        const answers = reports.map(({ id, token }) => ({ id, applied: applied.delete(`${token} ${id}`) }));
        return { answers, claimable };
      });
      if (claimable) onClaimable?.();
      return answers;
    },

    expire: (limit) =>
      inTransaction(context, async (tx, now) => {
        // A lease is held up to and including its last millisecond's start.
        const { rows } = await sql<ExecutionRow>`
          select * from executions ${traits.walk("executions_leased")}
          where status = 'in_progress' and lease_until <= ${now}
          order by lease_until limit ${limit}`.execute(tx);
        const expired = await holdUnchanged(context, tx, rows);
        return loseAttempts(
          context,
          tx,
          expired,
          "its lease expired: the executor was not heard of in time",
          now,
          false,
        );
      }),

    async expireOthers(owners) {
      let expired = 0;
      for (;;) {
        const ended = await inTransaction(context, async (tx, now) => {
          const others = owners.length > 0 ? sql`and lease_owner not in (${sql.join(owners)})` : sql``;
          const { rows } = await sql<ExecutionRow>`
            select * from executions ${traits.walk("executions_leased")}
            where status = 'in_progress' and lease_until is not null ${others} limit ${expireChunk}`.execute(tx);
          const running = await holdUnchanged(context, tx, rows);
          return loseAttempts(context, tx, running, "the platform stopped while it ran", now, true);
        });
        expired += ended.length;
        if (ended.length < expireChunk) return expired;
      }
    },

    async nextDue(which = "any") {
      const ready = which === "any" ? await readyOne(context) : undefined;
      if (ready) return ready.due;
      const { rows: later } = await sql<{ due: number | null }>`
        select min(not_before) as due from executions ${traits.walk("executions_delayed")}
        where status = 'pending' and gate = 1
        union all select min(opens_at) from turns ${traits.walk("turns_throttled")} where state = 3`.execute(
        context.db,
      );
      const times = later.flatMap(({ due }) => (due === null ? [] : [due]));
      return times.length === 0 ? undefined : Math.min(...times);
    },
  };
}

/** Of one that can be claimed, whichever. Of a service that is at its limit nothing is due before a run of it ends, which wakes by itself. */
async function readyOne({ db, traits }: StoreContext): Promise<{ due: number } | undefined> {
  const { rows } = await sql<{ due: number }>`
    select e.not_before as due from turns t ${traits.walk("turns_open")}
    cross join executions e ${traits.walk("executions_ready")}
    where t.state = 0 and e.status = 'pending' and e.gate = 0
      and e.project = t.project and e.service = t.service and e.lane = t.lane and e.priority = t.priority
    limit 1`.execute(db);
  return rows[0];
}

async function loseAttempts(
  context: StoreContext,
  tx: Tx,
  rows: readonly ExecutionRow[],
  message: string,
  now: number,
  atOnce: boolean,
): Promise<ExpiredLease[]> {
  const error: ExecutionError = { kind: "lost", message, script: undefined, exitCode: undefined };
  const attempts = rows.map((row) => ({ row, steps: [], outcome: { kind: "lost", error } as const, atOnce }));
  const { ended } = await endAttempts(context, tx, attempts, now);
  // A lost attempt never completes.
  return ended.filter((end): end is ExpiredLease => end.became !== "completed");
}
