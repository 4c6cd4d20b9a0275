import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { ApiClient, FxProcess } from "../../support/fx-process.ts";
import { packFiles } from "../../support/platform.ts";
import { tempDir } from "../../support/temp-dir.ts";

const breaker = fileURLToPath(new URL("../../support/break-catalog-disk.ts", import.meta.url));
const token = "the-token-of-the-broken-disk";
const service = {
  "manifest.json": JSON.stringify({ entrypoint: "main.sh", trigger_events: ["test.sent"] }),
  "main.sh": "sleep 1",
};
const failure = "the catalog's disk failed to sync";

// What breaks the disk finds the descriptor by /proc.
if (process.platform === "linux")
  it("a disk that fails to sync the catalog is told of once, in a line; nothing is accepted until a new start, which goes on", async () => {
    const platform = new FxProcess({
      command: "start",
      directory: tempDir(),
      token,
      flags: ["--log-level", "info", "--drain-ms", "100"],
      through: [process.execPath, "--import", breaker],
    });
    onTestFinished(() => void platform.end("SIGKILL"));
    platform.start();
    await platform.ready();
    const api = new ApiClient(() => platform.url, token);
    const batch = (ids: string[]) =>
      JSON.stringify(ids.map((id) => ({ specversion: "1.0", id, source: "/test", type: "test.sent" })));
    const send = (ids: string[]) => {
      const type = "application/cloudevents-batch+json";
      return api.request<{ accepted: { key: string }[] }>("POST", "/events", batch(ids), type);
    };
    const decided = async (id: string) => {
      const { accepted } = await send([id]);
      const { outcome } = await api.request<{ outcome: string }>("GET", `/events/${accepted[0]?.key}?wait=10000`);
      expect(outcome).toBe("matched");
    };
    // Its run is under way when the disk breaks, and its end cannot be stored.
    await api.request("POST", "/services/default/short/versions", await packFiles(service), "application/gzip");
    await decided("before");
    process.kill(platform.pid, "SIGUSR2");
    // The next that is to be decided finds out.
    await eventually(async () => {
      for (const ids of [["one"], Array.from({ length: 50 }, (_, n) => `many-${n}`)]) {
        await expect(send(ids)).rejects.toThrow(new RegExp(`503.*${failure}`));
      }
      return true;
    });
    const ready = await fetch(`${platform.url}/readyz`, { headers: { authorization: `Bearer ${token}` } });
    expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining(failure)]);
    const lines = platform.talk.split("\n").filter((line) => line.startsWith("{"));
    const told = lines.map((line) => JSON.parse(line) as { level: number; msg: string; error?: string });
    expect(told.filter(({ level }) => level >= 50)).toEqual([
      expect.objectContaining({
        msg: expect.stringContaining("start it anew"),
        error: expect.stringContaining(failure),
      }),
    ]);
    expect(platform.talk).not.toMatch(/^\s+at /m);
    await platform.end("SIGTERM");
    platform.start();
    await platform.ready();
    await decided("after");
    await platform.end("SIGTERM");
  });
