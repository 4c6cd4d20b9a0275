import { expect, test } from "vitest";
import type { LogRecord, OpsData } from "./ops-data.ts";

export interface OpsDataContract {
  /** A new, empty store; released by the caller when the test ends. */
  open(): Promise<{
    opsData: OpsData;
    /** Closes the store and opens another on what it kept. */
    reopen(): Promise<OpsData>;
  }>;
}

/** What every driver of the operational data promises. Calls `test`; call it inside a `describe`. */
export function opsDataContract({ open }: OpsDataContract): void {
  const record = (seq: number, content: string | Uint8Array, changes: Partial<LogRecord> = {}): LogRecord => ({
    executionId: "execution-1",
    project: "shop",
    service: "orders",
    attempt: 1,
    step: 0,
    script: "main.py",
    seq,
    at: 1_700_000_000_000 + seq,
    stream: "stdout",
    level: undefined,
    bytes: Buffer.from(content),
    ...changes,
  });
  const step = { executionId: "execution-1", attempt: 1, step: 0 };
  const everything = { executionId: "execution-1", limit: 1000 };
  const plain = (records: readonly LogRecord[]) => records.map((own) => ({ ...own, bytes: [...own.bytes] }));
  const range = async (opsData: OpsData, from: number, to: number, of = step) => {
    const { bytes, sizeBytes } = await opsData.output(of, from, to);
    return { text: Buffer.from(bytes).toString(), sizeBytes };
  };

  test("records are read back as they were, in order of attempt and seq, also after a restart", async () => {
    const { opsData, reopen } = await open();
    const raw = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const records = [
      record(1, raw),
      record(2, "to stderr", { stream: "stderr" }),
      record(3, "a line", { stream: "log", level: "warning" }),
      record(4, "", { stream: "log", level: "info", step: 1, script: "next.ts" }),
      record(1, "again", { attempt: 2 }),
    ];
    await opsData.append([...records].reverse());
    expect(plain(await opsData.logs(everything))).toEqual(plain(records));
    expect(plain(await (await reopen()).logs(everything))).toEqual(plain(records));
  });

  test("storing a record again changes nothing, alone or among new ones", async () => {
    const { opsData } = await open();
    const first = [record(1, "one"), record(2, "two")];
    await opsData.append(first);
    await opsData.append(first);
    await opsData.append([record(2, "TWO"), record(3, "three"), record(3, "THREE")]);
    expect(plain(await opsData.logs(everything))).toEqual(plain([...first, record(3, "three")]));
    expect(await range(opsData, 0, 100)).toEqual({ text: "onetwothree", sizeBytes: 11 });
  });

  test("logs are paged by place", async () => {
    const { opsData } = await open();
    await opsData.append(Array.from({ length: 10 }, (_, n) => record(n + 1, `${n}`)));
    await opsData.append([record(1, "second attempt", { attempt: 2 })]);
    const seen: string[] = [];
    for (let after: { attempt: number; seq: number } | undefined; ; ) {
      const page = await opsData.logs({ executionId: "execution-1", after, limit: 3 });
      seen.push(...page.map(({ attempt, seq }) => `${attempt}/${seq}`));
      after = page.at(-1);
      if (after === undefined) break;
    }
    expect(seen).toEqual([...Array.from({ length: 10 }, (_, n) => `1/${n + 1}`), "2/1"]);
  });

  test("a step's output is its stdout and stderr in order of arrival, without lines of logging", async () => {
    const { opsData } = await open();
    await opsData.append([
      record(1, "out "),
      record(2, "logged", { stream: "log", level: "info" }),
      record(3, "err ", { stream: "stderr" }),
      record(4, "other step", { step: 1 }),
      record(5, "other attempt", { attempt: 2 }),
      record(1, "other execution", { executionId: "execution-2" }),
    ]);
    await opsData.append([record(6, "end")]);
    expect(await range(opsData, 0, 100)).toEqual({ text: "out err end", sizeBytes: 11 });
    expect(await range(opsData, 0, 100, { ...step, step: 1 })).toEqual({ text: "other step", sizeBytes: 10 });
    expect(await range(opsData, 0, 100, { ...step, attempt: 2 })).toEqual({ text: "other attempt", sizeBytes: 13 });
  });

  test("any range of an output is that range of the whole", async () => {
    const { opsData } = await open();
    const pieces = ["a", "bcd", "efghij", "k", "lmnopqrstuvwxyz"];
    await opsData.append(pieces.map((piece, index) => record(index + 1, piece)));
    const whole = pieces.join("");
    for (let from = 0; from <= whole.length + 1; from += 1) {
      for (let to = from; to <= whole.length + 2; to += 1) {
        expect(await range(opsData, from, to)).toEqual({ text: whole.slice(from, to), sizeBytes: whole.length });
      }
    }
  });

  test("a record that arrives late stands at its place", async () => {
    const { opsData } = await open();
    await opsData.append([record(1, "one "), record(3, "three ")]);
    await opsData.append([record(2, "two ", { stream: "stderr" }), record(4, "four")]);
    expect(await range(opsData, 0, 100)).toEqual({ text: "one two three four", sizeBytes: 18 });
    expect(await range(opsData, 4, 8)).toEqual({ text: "two ", sizeBytes: 18 });
  });

  test("what nobody wrote is empty", async () => {
    const { opsData } = await open();
    expect(await opsData.logs(everything)).toEqual([]);
    expect(await range(opsData, 0, 10)).toEqual({ text: "", sizeBytes: 0 });
    expect(await opsData.highestSeq("execution-1", 1)).toBe(0);
    await opsData.append([]);
    await opsData.append([record(1, "logged", { stream: "log", level: "info" })]);
    expect(await range(opsData, 0, 10)).toEqual({ text: "", sizeBytes: 0 });
  });

  test("the highest seq of an attempt tells how far the records have come", async () => {
    const { opsData } = await open();
    await opsData.append([record(1, "a"), record(2, "b", { stream: "log", level: "info" })]);
    await opsData.append([record(7, "c", { attempt: 2 })]);
    expect(await opsData.highestSeq("execution-1", 1)).toBe(2);
    expect(await opsData.highestSeq("execution-1", 2)).toBe(7);
    expect(await opsData.highestSeq("execution-1", 3)).toBe(0);
  });

  test("an impossible range is refused", async () => {
    const { opsData } = await open();
    for (const [from, to] of [
      [-1, 3],
      [0.5, 3],
      [0, Number.NaN],
    ] as const) {
      await expect(opsData.output(step, from, to)).rejects.toMatchObject({ code: "invalid-input" });
    }
  });

  test("D13: prune takes whole executions by their newest record", async () => {
    const { opsData } = await open();
    const old = (seq: number, executionId: string) => record(seq, "x", { at: 1000 + seq, executionId });
    await opsData.append([old(1, "gone"), old(2, "gone"), old(1, "kept"), record(2, "newer", { executionId: "kept" })]);
    expect(await opsData.prune(2000)).toBe(2);
    expect(await opsData.prune(2000)).toBe(0);
    expect(await opsData.logs({ executionId: "gone", limit: 10 })).toEqual([]);
    expect(await range(opsData, 0, 100, { ...step, executionId: "kept" })).toEqual({ text: "xnewer", sizeBytes: 6 });
  });

  test("many executions are pruned in one call", async () => {
    const { opsData } = await open();
    await opsData.append(Array.from({ length: 230 }, (_, n) => record(1, "x", { at: 1, executionId: `e${n}` })));
    expect(await opsData.prune(2)).toBe(230);
  });

  test("a closed store is unavailable", async () => {
    const { opsData } = await open();
    await opsData.close();
    await expect(opsData.append([record(1, "late")])).rejects.toMatchObject({ code: "unavailable" });
    await expect(opsData.logs(everything)).rejects.toMatchObject({ code: "unavailable" });
  });
}
