import fc from "fast-check";
import { expect } from "vitest";
import { exitError, minute, type Scene } from "../../../src/catalog/contract/scene.contract.ts";
import type { AttemptReport } from "../../../src/catalog/leases.ts";
import { type ExecutionStatus, isTerminal, maxLosses } from "../../../src/executions/execution.ts";
import { lanes } from "../../../src/executions/lanes.ts";
import type { ExecutionId } from "../../../src/foundation/ids.ts";

/** One execution as the model sees it; its place in `runs` is its place in the order of routing. */
export interface Run {
  id: ExecutionId;
  kind: "free" | "once" | "keyed" | "limited";
  key: string | undefined;
  status: ExecutionStatus;
  notBefore: number;
  token: number;
  attempt: number;
  losses: number;
  until: number;
  cancelRequested: boolean;
}

export interface Model {
  nowMs: number;
  runs: Run[];
}

type Command = fc.AsyncCommand<Model, Scene>;

function command(text: string, run: (model: Model, scene: Scene) => Promise<void>): Command {
  return {
    check: () => true,
    async run(model, scene) {
      await run(model, scene);
      await compare(model, scene);
    },
    toString: () => text,
  };
}

/** After each command the catalog says the same of every execution as the model. */
async function compare(model: Model, scene: Scene): Promise<void> {
  const { items } = await scene.catalog.executions.list({}, { limit: 1000 });
  const found = new Map(items.map((execution) => [execution.id, execution]));
  expect(found.size).toBe(model.runs.length);
  for (const run of model.runs) {
    const { id, status, attempt, losses } = run;
    expect(found.get(id)).toMatchObject({ id, status, attempt, losses });
    if (run.status !== "in_progress") continue;
    const { token, until, cancelRequested } = run;
    expect(found.get(id)).toMatchObject({ lease: { token, until }, cancelRequested });
  }
}

const isOpen = (run: Run) => !isTerminal(run.status);
const isHead = (model: Model, run: Run) =>
  run.key === undefined || model.runs.find((other) => other.key === run.key && isOpen(other)) === run;

const priorities = { once: 2, limited: 4, free: 5, keyed: 6 } as const satisfies Record<Run["kind"], number>;
/** The limit of the service `limited`. */
const concurrency = 2;

function claimable(model: Model): Run[] {
  const due = model.runs.filter(
    (run) => run.status === "pending" && run.notBefore <= model.nowMs && isHead(model, run),
  );
  const running = model.runs.filter(({ kind, status }) => kind === "limited" && status === "in_progress").length;
  const waiting = due.filter(({ kind }) => kind === "limited").slice(concurrency - running);
  return due.filter((run) => !waiting.includes(run)).sort((a, b) => priorities[a.kind] - priorities[b.kind]);
}

function lose(model: Model, run: Run): void {
  run.losses += run.cancelRequested ? 0 : 1;
  if (run.cancelRequested) run.status = "cancelled";
  else if (run.kind === "once" || run.losses >= maxLosses) run.status = "failed";
  else Object.assign(run, { status: "pending", notBefore: model.nowMs + (run.losses === 1 ? 1000 : 5000) });
}

function end(model: Model, run: Run, outcome: AttemptReport["outcome"]): void {
  if (outcome.kind === "lost") lose(model, run);
  else if (outcome.kind !== "failed" || outcome.retryInMs === undefined) {
    run.status = outcome.kind;
  } else if (run.cancelRequested) run.status = "cancelled";
  else Object.assign(run, { status: "pending", notBefore: model.nowMs + outcome.retryInMs });
}

/** The n-th of those that there are; nothing to do where there is none. */
const pick = <Item>(items: readonly Item[], n: number): Item | undefined => items[n % Math.max(1, items.length)];

/** Of a run among those there are, most often one of the first dozens. */
const place = fc.nat({ max: 40 });

const newRun = (id: ExecutionId, kind: Run["kind"], key: string | undefined, nowMs: number): Run => ({
  id,
  kind,
  key,
  status: "pending",
  notBefore: nowMs,
  token: 0,
  attempt: 0,
  losses: 0,
  until: 0,
  cancelRequested: false,
});

const start = fc
  .tuple(
    fc.constantFrom("free", "once", "keyed", "keyed", "limited", "limited" as const),
    fc.constantFrom("a", "a", "b"),
  )
  .map(([kind, subject]) =>
    command(`start ${kind} ${subject}`, async (model, scene) => {
      const { id } = await scene.start({ type: kind, subject });
      model.runs.push(newRun(id, kind, kind === "keyed" ? subject : undefined, model.nowMs));
    }),
  );

const claim = fc.tuple(fc.integer({ min: 1, max: 4 }), fc.constantFrom(10, minute)).map(([limit, leaseMs]) =>
  command(`claim ${limit} for ${leaseMs}`, async (model, scene) => {
    const expected = claimable(model).slice(0, limit);
    const claimed = await scene.claim({ limit, leaseMs, lanes });
    expect(claimed.map(({ execution }) => execution.id)).toEqual(expected.map(({ id }) => id));
    for (const run of expected) {
      const { token, attempt } = run;
      Object.assign(run, {
        status: "in_progress",
        token: token + 1,
        attempt: attempt + 1,
        until: model.nowMs + leaseMs,
      });
    }
  }),
);

const outcomes: AttemptReport["outcome"][] = [
  { kind: "completed" },
  { kind: "cancelled" },
  { kind: "failed", error: exitError, retryInMs: undefined },
  { kind: "failed", error: exitError, retryInMs: 0 },
  { kind: "failed", error: exitError, retryInMs: 50 },
  { kind: "lost", error: exitError },
];

const finish = fc.tuple(place, fc.constantFrom(...outcomes), fc.constantFrom(0, 0, 0, 1)).map(([n, outcome, behind]) =>
  command(`finish ${n} ${outcome.kind}${behind ? " with an old token" : ""}`, async (model, scene) => {
    const run = pick(model.runs, n);
    if (run === undefined) return;
    const { id } = run;
    const answers = await scene.catalog.leases.finish([{ id, token: run.token - behind, steps: [], outcome }]);
    const applied = run.status === "in_progress" && behind === 0;
    expect(answers).toEqual([{ id, applied }]);
    if (applied) end(model, run, outcome);
  }),
);

const renew = place.map((n) =>
  command(`renew ${n}`, async (model, scene) => {
    const run = pick(model.runs, n);
    if (run === undefined) return;
    const [renewed] = await scene.catalog.leases.renew([{ id: run.id, token: run.token }], minute);
    expect(renewed?.held).toBe(run.status === "in_progress");
    if (run.status === "in_progress") run.until = model.nowMs + minute;
  }),
);

const release = place.map((n) =>
  command(`release ${n}`, async (model, scene) => {
    const run = pick(model.runs, n);
    if (run === undefined) return;
    await scene.catalog.leases.release([{ id: run.id, token: run.token }]);
    if (run.status !== "in_progress") return;
    if (run.cancelRequested) run.status = "cancelled";
    else Object.assign(run, { status: "pending", notBefore: model.nowMs, attempt: run.attempt - 1 });
  }),
);

const expire = fc.constant(
  command("expire", async (model, scene) => {
    const expired = await scene.catalog.leases.expire(100);
    const due = model.runs.filter((run) => run.status === "in_progress" && run.until <= model.nowMs);
    for (const run of due) lose(model, run);
    const became = (list: readonly { id: string; became: string }[]) =>
      new Map(list.map((one) => [one.id, one.became]));
    expect(became(expired)).toEqual(became(due.map(({ id, status }) => ({ id, became: status }))));
  }),
);

const cancel = place.map((n) =>
  command(`cancel ${n}`, async (model, scene) => {
    const run = pick(model.runs, n);
    if (run === undefined) return;
    const answer = scene.catalog.executions.cancel(run.id);
    if (!isOpen(run)) return expect(answer).rejects.toMatchObject({ code: "conflict" });
    await answer;
    if (run.status === "pending") run.status = "cancelled";
    else run.cancelRequested = true;
  }),
);

const skip = place.map((n) =>
  command(`skip ${n}`, async (model, scene) => {
    const run = pick(model.runs, n);
    if (run === undefined) return;
    const answer = scene.catalog.executions.skip(run.id);
    if (run.status !== "pending") return expect(answer).rejects.toMatchObject({ code: "conflict" });
    await answer;
    run.status = "skipped";
  }),
);

const retry = place.map((n) =>
  command(`retry ${n}`, async (model, scene) => {
    const run = pick(model.runs, n);
    if (run === undefined) return;
    const newId = scene.newExecutionId();
    const answer = scene.catalog.executions.retry(run.id, { newId, version: "same" });
    if (isOpen(run)) return expect(answer).rejects.toMatchObject({ code: "conflict" });
    await answer;
    model.runs.push(newRun(newId, run.kind, run.key, model.nowMs));
  }),
);

const wait = fc.constantFrom(1, 10, 50, minute).map((ms) =>
  command(`wait ${ms}`, async (model, scene) => {
    scene.clock.advance(ms);
    model.nowMs += ms;
  }),
);

export const executionCommands = [
  start,
  start,
  claim,
  claim,
  finish,
  finish,
  renew,
  release,
  expire,
  cancel,
  skip,
  retry,
  wait,
];
