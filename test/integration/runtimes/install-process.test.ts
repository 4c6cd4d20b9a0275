import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type InstallCommand, runInstall } from "../../../src/executor/environments/install-process.ts";
import type { LauncherClient } from "../../../src/executor/launcher/launcher-client.ts";
import { messageOf } from "../../../src/foundation/errors.ts";
import { eventually } from "../../support/eventually.ts";
import { sayUntested } from "../../support/say-untested.ts";
import { tempDirForFile } from "../../support/temp-dir.ts";
import { isAlive, startLauncher } from "./script-runs.ts";

const isRoot = process.getuid?.() === 0;
/** Nobody else's: all of its processes are killed, again and again. */
const uid = 50_600;

const ways = [
  ["as the platform's user", undefined],
  ["as a user of its own", { uid, gid: uid }],
] as const;

if (!isRoot) sayUntested("package tools as a user of their own", "only root has users to give away");
describe.each(isRoot ? ways : ways.slice(0, 1))("a package tool, %s", (_as, user) => {
  const cwd = tempDirForFile();
  let launcher: LauncherClient;

  beforeAll(async () => {
    launcher = await startLauncher();
  });
  afterAll(() => launcher?.close());

  const install = (script: string, told: (line: string) => void, more: Partial<InstallCommand> = {}) => {
    const asked = { command: "/bin/sh", args: ["-c", script], cwd: user ? "/" : cwd, timeoutMs: 60_000 };
    return runInstall(launcher, { ...asked, env: { PATH: "/usr/bin:/bin" }, user, ...more }, told);
  };
  /** It goes on, and so does what left its group; answers their process ids once they run. */
  const lasting = "setsid sleep 600 & echo $!; sleep 600 & echo $!; wait";
  const begin = (more: Partial<InstallCommand> = {}) => {
    const pids: number[] = [];
    const ended = install(lasting, (line) => void pids.push(Number(line)), more);
    ended.catch(() => {});
    return { ended, pids, running: () => eventually(() => pids.length === 2 && pids) };
  };
  const gone = (pids: readonly number[]) =>
    eventually(async () => !(await Promise.all(pids.map(isAlive))).includes(true));

  it("tells each line as it comes, of both streams, whatever its bytes are", async () => {
    const lines: string[] = [];
    const script = `printf 'gr\\303'; printf '\\274n  \\n\\nlast' >&1; echo "of stderr" >&2; printf '\\377' >&2; exit 4`;
    const { code, lines: kept } = await install(script, (line) => void lines.push(line));
    expect(code).toBe(4);
    expect([...lines].sort()).toEqual(["grün", "last", "of stderr", "\ufffd"].sort());
    expect(kept).toEqual(lines);
  });

  it("may say what it likes, as long as it likes: little of it is told and kept", async () => {
    const told: string[] = [];
    const endless = `head -c 50000000 /dev/zero | tr '\\0' x; echo; yes | head -n 1000000; echo last`;
    const { code, lines } = await install(endless, (line) => void told.push(line));
    expect(code).toBe(0);
    expect(told[0]).toBe("x".repeat(1_000));
    expect(told.length).toBeLessThan(6_000);
    expect(told.at(-1)).toContain("more than is shown");
    expect(lines.length).toBeLessThan(300);
    expect(lines.at(-1)).toBe("last");
  });

  it("leaves none of its processes when it has ended", async () => {
    const pids: number[] = [];
    const script = "setsid sleep 600 >/dev/null 2>&1 & echo $!; sleep 600 >/dev/null 2>&1 & echo $!";
    expect((await install(script, (line) => void pids.push(Number(line)))).code).toBe(0);
    expect(pids).toHaveLength(2);
    await gone(pids);
  });

  it("is ended with all of them when nobody waits for it any more, or it takes too long", async () => {
    const controller = new AbortController();
    const needless = begin({ signal: controller.signal });
    const pids = await needless.running();
    controller.abort();
    await expect(needless.ended).rejects.toMatchObject({ code: "unavailable" });
    await gone(pids);

    // Again, with more time, where that was over before it had started both.
    let timeoutMs = 500;
    const late = await eventually(async () => {
      timeoutMs *= 2;
      const { ended, pids } = begin({ timeoutMs });
      await expect(ended).rejects.toMatchObject({ code: "timeout", retryable: false });
      return pids.length === 2 && pids;
    });
    await gone(late);
  });

  it("fails, and goes, with a launcher that is killed; the next one is run by its successor", async () => {
    const { ended, running } = begin();
    const pids = await running();
    process.kill(launcher.pid as number, "SIGKILL");
    await expect(ended).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("launcher ended"),
    });
    await gone(pids);
    await eventually(async () => (await install("exit 0", () => {})).code === 0);
  });

  it("that is not there says so", async () => {
    const asked = install("", () => {}, { command: "/bin/absent" });
    // A user of its own is given by a shell, which says it then.
    const said = await asked.then(({ code, lines }) => `exit code ${code}: ${lines}`, messageOf);
    expect(said).toMatch(user ? /^exit code 127: .*absent/ : /absent.*ENOENT/);
  });
});
