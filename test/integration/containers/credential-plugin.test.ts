import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readClusterAccess } from "../../../src/executor/kubernetes/cluster-access.ts";
import { askPlugin } from "../../../src/executor/kubernetes/credential-plugin.ts";
import { PluginCredentials } from "../../../src/executor/kubernetes/plugin-credentials.ts";
import { systemClock } from "../../../src/foundation/clock.ts";
import { eventually } from "../../support/eventually.ts";
import { JobRuns } from "../../support/job-runs.ts";
import { KubernetesApi } from "../../support/kubernetes-api.ts";
import { tempDir } from "../../support/temp-dir.ts";
import { isAlive } from "../runtimes/script-runs.ts";

const version = "client.authentication.k8s.io/v1";

/** A kubeconfig with a plugin beside it that runs `script`. */
function lay(script: string, exec = ""): { directory: string; kubeconfig: string; user: string } {
  const directory = tempDir();
  writeFileSync(join(directory, "plugin"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const user = `{exec: {apiVersion: ${version}, command: ./plugin, interactiveMode: Never${exec}}}`;
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(
    kubeconfig,
    `current-context: x
contexts: [{name: x, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "https://k8s.example", certificate-authority-data: Q0E=}}]
users: [{name: u, user: ${user}}]
`,
  );
  return { directory, kubeconfig, user };
}

const credentialOf = (status: string, of = version) =>
  `printf '%s' '{"apiVersion":"${of}","kind":"ExecCredential","status":${status}}'`;

const read = (kubeconfig: string) =>
  readClusterAccess({ kubeconfig }, new PluginCredentials({ PATH: process.env.PATH ?? "" }, systemClock));

describe("a program that gives credentials for a cluster", () => {
  it("is given arguments, variables and what its API says, and its token is taken", async () => {
    const { directory, kubeconfig } = lay(
      `printf '%s' "$KUBERNETES_EXEC_INFO" > "$(dirname "$0")/info"
printf '{"apiVersion":"${version}","kind":"ExecCredential","status":{"token":"%s"}}' "$1-$STAGE"`,
      ", args: [get-token], env: [{name: STAGE, value: blue}], provideClusterInfo: true",
    );
    expect(await read(kubeconfig)).toMatchObject({ token: "get-token-blue", tls: { ca: "CA" } });
    expect(JSON.parse(readFileSync(join(directory, "info"), "utf8"))).toEqual({
      apiVersion: version,
      kind: "ExecCredential",
      spec: {
        interactive: false,
        cluster: { server: "https://k8s.example", "certificate-authority-data": "Q0E=" },
      },
    });
  });

  it("may give a certificate with its key", async () => {
    const { kubeconfig } = lay(credentialOf('{"clientCertificateData":"CERT","clientKeyData":"KEY"}'));
    expect(await read(kubeconfig)).toMatchObject({ token: undefined, tls: { cert: "CERT", key: "KEY" } });
  });

  it("that is not there is named, with where to get it", async () => {
    const { kubeconfig } = lay("", ', installHint: "install the login tool first"');
    writeFileSync(kubeconfig, readFileSync(kubeconfig, "utf8").replace("./plugin", "no-such-login"));
    await expect(read(kubeconfig)).rejects.toMatchObject({
      code: "invalid-input",
      message: expect.stringMatching(/'no-such-login' of the kubeconfig .* \(ENOENT\): install the login tool first/),
    });
  });

  it("that fails is told in its own words, without what it printed as its answer or was given", async () => {
    const { kubeconfig } = lay(
      `echo token-4711; echo "your session is over, $PIN: log in again" >&2; exit 3`,
      ", env: [{name: PIN, value: pin-0815}]",
    );
    const failure = await read(kubeconfig).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: "unavailable", retryable: true });
    expect(String(failure)).toMatch(/exit code 3 your session is over, \[redacted\]: log in again/);
    expect(String(failure)).not.toMatch(/4711|0815/);
  });

  it.each([
    ["what is no JSON", "echo token-4711", /did not print an ExecCredential/],
    ["another version", credentialOf('{"token":"token-4711"}', `${version}beta1`), /speaks .*v1beta1, not .*v1$/],
    ["nothing usable", credentialOf("{}"), /neither a token nor a certificate/],
    ["a certificate without its key", credentialOf('{"clientCertificateData":"token-4711"}'), /without the other/],
  ])("that prints %s is refused, and its answer not shown", async (_what, script, message) => {
    const failure = await read(lay(script).kubeconfig).catch((error: Error) => error);
    expect(failure).toMatchObject({ code: "invalid-input", message: expect.stringMatching(message) });
    expect(String(failure)).not.toContain("4711");
  });

  /** Gives token-1, token-2 and so on. */
  const counting = (more = "") => `count="$(dirname "$0")/count"
echo $(($(cat "$count" 2>/dev/null || echo 0) + 1)) > "$count"
printf '{"apiVersion":"${version}","kind":"ExecCredential","status":{"token":"token-%s"${more}}}' "$(cat "$count")"`;

  async function cluster(script: string) {
    const { directory, user } = lay(script);
    const api = await KubernetesApi.start();
    onTestFinished(() => api.close());
    api.user = user;
    api.token = "token-1";
    const runs = await JobRuns.open(directory, api);
    onTestFinished(() => runs.close());
    return { api, runs, asked: () => Number(readFileSync(join(directory, "count"), "utf8")) };
  }

  it("is asked once for many runs, and again when the cluster refuses what it gave, in the middle of a run as well", async () => {
    const { api, runs, asked } = await cluster(counting());
    const first = runs.run();
    const second = runs.run({ request: { slot: 1 } });
    await Promise.all([first.submitted(), second.submitted()]);
    expect(asked()).toBe(1);
    api.token = "token-2";
    await eventually(() => asked() === 2);
    await api.finish(first.name, 0);
    await api.finish(second.name, 4);
    expect(await first.result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(await second.result).toMatchObject({ kind: "exited", exitCode: 4 });
    expect(asked()).toBe(2);
  });

  it("is asked again when what it gave has expired by its own word, before the cluster refuses it", async () => {
    const script = counting(',"expirationTimestamp":"2020-01-01T00:00:00Z"').replace("token-%s", "token-1");
    const { api, runs, asked } = await cluster(script);
    const { name, submitted, result } = runs.run();
    await submitted();
    await api.finish(name, 0);
    expect(await result).toMatchObject({ kind: "exited", exitCode: 0 });
    expect(asked()).toBeGreaterThan(1);
  });

  /** Says that it is there, and does not end by itself or when it is asked to. */
  const hanging = `trap '' TERM; echo $$ >> "$(dirname "$0")/pids"; while :; do sleep 0.05; done`;
  const pidsIn = (directory: string) => readFileSync(join(directory, "pids"), "utf8").trim().split("\n").map(Number);

  it("that does not end holds up no stop of a run, and is killed once nobody waits for it; the next run asks anew", async () => {
    const { directory, user } = lay(hanging);
    const api = await KubernetesApi.start();
    onTestFinished(() => api.close());
    api.user = user;
    const runs = await JobRuns.open(directory, api);
    onTestFinished(() => runs.close());
    const first = runs.run();
    const second = runs.run({ request: { slot: 1 } });
    const plugin = await eventually(() => existsSync(join(directory, "pids")) && (pidsIn(directory)[0] || undefined));
    first.step.stop("cancelled", 0);
    expect(await first.result).toMatchObject({ kind: "stopped", reason: "cancelled" });
    expect(await isAlive(plugin)).toBe(true);
    second.step.stop("shutdown", 0);
    expect(await second.result).toMatchObject({ kind: "stopped", reason: "shutdown" });
    await eventually(async () => !(await isAlive(plugin)));
    const third = runs.run();
    const pids = await eventually(() => pidsIn(directory).length > 1 && pidsIn(directory));
    expect(pids).toHaveLength(2);
    third.step.stop("cancelled", 0);
    await third.result;
  });

  it("that does not end in its time is killed with what it started, and that is what is told", async () => {
    // Again, with more time, where that was over before both had said that they are there.
    let timeoutMs = 500;
    const pids = await eventually(async () => {
      timeoutMs *= 2;
      const { directory, kubeconfig } = lay(`sleep 1000 & echo $! >> "$(dirname "$0")/pids"\n${hanging}`);
      const plugin = {
        kubeconfig,
        exec: { apiVersion: version, command: "./plugin" } as const,
        cluster: {},
      };
      const asked = askPlugin(plugin, { PATH: process.env.PATH ?? "" }, { timeoutMs });
      await expect(asked).rejects.toMatchObject({
        code: "unavailable",
        retryable: true,
        message: expect.stringContaining(`has not ended within ${timeoutMs / 1000} s`),
      });
      const said = existsSync(join(directory, "pids")) ? pidsIn(directory) : [];
      return said.length === 2 && said;
    });
    await eventually(async () => !(await Promise.all(pids.map(isAlive))).includes(true));
  });

  it("that leaves behind a process which holds its output open is not waited for any longer than itself", async () => {
    const { directory, kubeconfig } = lay(
      `sleep 1000 & echo $! >> "$(dirname "$0")/pids"\n${credentialOf('{"token":"token-4711"}')}`,
    );
    expect(await read(kubeconfig)).toMatchObject({ token: "token-4711" });
    const [left = 0] = pidsIn(directory);
    expect(await isAlive(left)).toBe(true);
    process.kill(left);
  });
});
