import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readClusterAccess } from "../../../../src/executor/kubernetes/cluster-access.ts";
import { PluginCredentials } from "../../../../src/executor/kubernetes/plugin-credentials.ts";
import { systemClock } from "../../../../src/foundation/clock.ts";
import { tempDir } from "../../../support/temp-dir.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

function access(user: string, context = "{cluster: c, user: u, namespace: work}", files: Record<string, string> = {}) {
  const directory = tempDir();
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  const path = join(directory, "config");
  const cluster = `{server: "https://k8s.example:6443/base", certificate-authority-data: ${base64("CA")}}`;
  const lists = `contexts: [{name: x, context: ${context}}]\nclusters: [{name: c, cluster: ${cluster}}]\nusers: [{name: u, user: ${user}}]`;
  writeFileSync(path, `current-context: x\n${lists}\n`);
  return readClusterAccess({ kubeconfig: path }, new PluginCredentials({}, systemClock));
}

describe("a kubeconfig", () => {
  it("gives address, namespace, authority and token", async () => {
    const found = await access("{token: t-1}");
    expect(found).toEqual({
      url: "https://k8s.example:6443/base",
      namespace: "work",
      token: "t-1",
      tls: { ca: "CA" },
    });
  });

  it("may keep token, certificate and key in files beside it", async () => {
    const files = { token: "t-2\n", crt: "CERT", key: "KEY" };
    expect(await access("{tokenFile: token}", undefined, files)).toMatchObject({ token: "t-2" });
    const found = await access("{client-certificate: crt, client-key: key}", undefined, files);
    expect(found).toMatchObject({ token: undefined, tls: { cert: "CERT", key: "KEY" } });
  });

  it("without a namespace means default", async () => {
    expect(await access("{token: t}", "{cluster: c, user: u}")).toMatchObject({ namespace: "default" });
  });

  it("that asks what is no program for its token, or names what it has not, is refused by name", async () => {
    await expect(access("{auth-provider: {name: gcp}}")).rejects.toThrow(/config.*auth-provider.*\(exec\)/);
    const old = "{exec: {apiVersion: client.authentication.k8s.io/v1alpha1, command: login}}";
    await expect(access(old)).rejects.toThrow(
      /config.*exec\.apiVersion.*v1 or client\.authentication\.k8s\.io\/v1beta1/,
    );
    await expect(access("{token: t}", "{cluster: other, user: u}")).rejects.toThrow(/no cluster 'other'/);
  });
});
