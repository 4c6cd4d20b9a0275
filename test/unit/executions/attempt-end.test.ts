import { expect, test } from "vitest";
import { type AttemptFacts, endOfAttempt } from "../../../src/executions/attempt-end.ts";
import type { ExecutionError } from "../../../src/executions/execution.ts";

const error: ExecutionError = { kind: "exit", message: "main.py ended with 1", script: "main.py", exitCode: 1 };
const lost: ExecutionError = { kind: "lost", message: "its lease expired", script: undefined, exitCode: undefined };
const facts: AttemptFacts = { losses: 0, onLost: "retry", cancelRequested: false };

test("a failure with retries left waits for its backoff; without, it is final", () => {
  expect(endOfAttempt({ kind: "failed", error, retryInMs: 500 }, facts, 3)).toEqual({
    status: "pending",
    error,
    delayMs: 500,
    losses: 0,
  });
  expect(endOfAttempt({ kind: "failed", error, retryInMs: undefined }, facts, 3)).toEqual({
    status: "failed",
    error,
    losses: 0,
  });
});

test("D7: a loss runs again after a pause that grows, until the limit, then fails and says how often it was lost", () => {
  expect(endOfAttempt({ kind: "lost", error: lost }, { ...facts, losses: 1 }, 3)).toEqual({
    status: "pending",
    error: lost,
    delayMs: 5000,
    losses: 2,
  });
  expect(endOfAttempt({ kind: "lost", error: lost }, facts, 3)).toMatchObject({ delayMs: 1000, losses: 1 });
  expect(endOfAttempt({ kind: "lost", error: lost }, { ...facts, atOnce: true }, 3)).toMatchObject({ delayMs: 0 });
  expect(endOfAttempt({ kind: "lost", error: lost }, { ...facts, losses: 2 }, 3)).toMatchObject({
    status: "failed",
    losses: 3,
    error: { kind: "lost", message: "its lease expired; attempts were lost 3 times, which is the limit" },
  });
});

test("D7: work that its manifest calls unrepeatable fails at the first loss, but is retried after its own failures", () => {
  const once: AttemptFacts = { ...facts, onLost: "fail" };
  expect(endOfAttempt({ kind: "lost", error: lost }, once, 3)).toMatchObject({
    status: "failed",
    losses: 1,
    error: { message: expect.stringContaining('"on_lost": "fail"') },
  });
  expect(endOfAttempt({ kind: "failed", error, retryInMs: 1 }, once, 3)).toMatchObject({ status: "pending" });
});

test("a cancelled execution is not tried again, but what it completed or failed for good stays so", () => {
  const asked: AttemptFacts = { ...facts, cancelRequested: true };
  expect(endOfAttempt({ kind: "failed", error, retryInMs: 1 }, asked, 3)).toEqual({ status: "cancelled" });
  expect(endOfAttempt({ kind: "lost", error: lost }, asked, 3)).toEqual({ status: "cancelled" });
  expect(endOfAttempt({ kind: "cancelled" }, asked, 3)).toEqual({ status: "cancelled" });
  expect(endOfAttempt({ kind: "completed" }, asked, 3)).toEqual({ status: "completed" });
  expect(endOfAttempt({ kind: "failed", error, retryInMs: undefined }, asked, 3)).toMatchObject({ status: "failed" });
});
