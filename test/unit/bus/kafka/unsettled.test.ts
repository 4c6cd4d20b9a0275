import { NetworkError, ProtocolError, UserError } from "@platformatic/kafka";
import { expect, test } from "vitest";
import { translateKafkaError } from "../../../../src/bus/kafka/errors.ts";
import { onceSettled, WithoutLeader } from "../../../../src/bus/kafka/unsettled.ts";
import type { Clock } from "../../../../src/foundation/clock.ts";
import { ManualClock } from "../../../support/manual-clock.ts";

/** Time passes as soon as anybody waits. */
function hastyClock(): Clock {
  const clock = new ManualClock();
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    setTimer(delayMs, run) {
      const timer = clock.setTimer(delayMs, run);
      queueMicrotask(() => clock.advance(delayMs));
      return timer;
    },
  };
}

test.each([
  new ProtocolError("NOT_LEADER_OR_FOLLOWER"),
  new ProtocolError("UNKNOWN_TOPIC_OR_PARTITION"),
  new ProtocolError("LEADER_NOT_AVAILABLE"),
  new ProtocolError("COORDINATOR_LOAD_IN_PROGRESS"),
  new UserError("Unknown topic fx.events."),
  new WithoutLeader("fx.events", 3),
])("%s passes: it is asked again until it is answered", async (error) => {
  const asked: boolean[] = [];
  const answer = await onceSettled(hastyClock(), async (again) => {
    asked.push(again);
    if (asked.length < 4) throw translateKafkaError(error, "be read");
    return "answer";
  });
  expect(answer).toBe("answer");
  expect(asked).toEqual([false, true, true, true]);
});

test("after its time it fails with what the brokers said last", async () => {
  const clock = hastyClock();
  const began = clock.monotonic();
  let last: ProtocolError | undefined;
  const asking = onceSettled(
    clock,
    async () => {
      last = new ProtocolError("NOT_LEADER_OR_FOLLOWER");
      throw last;
    },
    2000,
  );
  await expect(asking).rejects.toSatisfy((error) => error === last);
  expect(clock.monotonic() - began).toBeGreaterThan(2000);
  expect(clock.monotonic() - began).toBeLessThan(3000);
});

test.each([new ProtocolError("TOPIC_AUTHORIZATION_FAILED"), new NetworkError("gone"), new Error("a bug")])(
  "%s is nothing that brokers settle: it fails at once",
  async (error) => {
    let asked = 0;
    const asking = onceSettled(hastyClock(), async () => {
      asked += 1;
      throw error;
    });
    await expect(asking).rejects.toBe(error);
    expect(asked).toBe(1);
  },
);
