import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { ServerPlace } from "../../engines/engine.ts";
import { certificateOf, keyOf } from "../../engines/kubernetes.ts";
import type { ClusterNamespace } from "./cluster.ts";
import type { ClusterObject } from "./job-cluster.ts";

interface Log {
  text: string;
  over: boolean;
  readers: ServerResponse[];
}

interface Pod extends ClusterObject {
  spec: { nodeName?: string; containers: { name: string; image: string }[] };
}

/**
 * The node of a cluster that has none, for pods of one namespace: it answers the API server as a kubelet does, and what its pods do is
 * what a test says. It runs nothing.
 */
export class ClusterNode {
  readonly name: string;
  readonly #namespace: ClusterNamespace;
  readonly #server: Server;
  /** By the pod's name. */
  readonly #logs = new Map<string, Log>();
  #tending: Promise<void> | undefined;
  #closing = false;

  private constructor(namespace: ClusterNamespace, server: Server) {
    this.#namespace = namespace;
    this.#server = server;
    this.name = `node-of-${namespace.name}`;
  }

  static async start(cluster: ServerPlace, namespace: ClusterNamespace): Promise<ClusterNode> {
    const server = createServer({ key: readFileSync(keyOf(cluster)), cert: readFileSync(certificateOf(cluster)) });
    const node = new ClusterNode(namespace, server);
    server.on("request", (request, response) => node.#answer(request, response)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const body = { apiVersion: "v1", kind: "Node", metadata: { name: node.name } };
    await namespace.call({ method: "POST", path: "/api/v1/nodes", body });
    const status = {
      addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
      daemonEndpoints: { kubeletEndpoint: { Port: port } },
      conditions: [{ type: "Ready", status: "True" }],
    };
    await namespace.call({ method: "PATCH", path: `/api/v1/nodes/${node.name}/status`, body: { status } });
    node.#tending = node.#tend();
    return node;
  }

  /** Takes a pod, where it is not here yet, and says in which phase it and in which state its one container is. */
  async report(name: string, phase: "Pending" | "Running" | "Succeeded" | "Failed", state: object): Promise<void> {
    const pod = await this.#namespace.find<Pod>("Pod", name);
    const [container] = pod?.spec.containers ?? [];
    if (pod === undefined || container === undefined) throw new Error(`there is no pod ${name}`);
    if (pod.spec.nodeName === undefined) {
      const body = { apiVersion: "v1", kind: "Binding", metadata: { name }, target: { kind: "Node", name: this.name } };
      await this.#namespace.call({ method: "POST", path: this.#namespace.pathOf("Pod", name, "binding"), body });
    }
    if (phase !== "Pending") this.#logs.set(name, this.#logs.get(name) ?? { text: "", over: false, readers: [] });
    const { name: of, image } = container;
    const ready = phase === "Running";
    const containerStatuses = [{ name: of, image, imageID: image, ready, restartCount: 0, state }];
    await this.#namespace.setStatus("Pod", name, { phase, containerStatuses });
    if (phase === "Succeeded" || phase === "Failed") this.#endLog(name);
  }

  write(pod: string, text: string): void {
    const log = this.#logs.get(pod);
    if (log === undefined) throw new Error(`the pod ${pod} has not begun`);
    log.text += text;
    for (const reader of log.readers) reader.write(text);
  }

  async close(): Promise<void> {
    this.#closing = true;
    await this.#tending;
    await this.#namespace.call({ method: "DELETE", path: `/api/v1/nodes/${this.name}` });
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  /** Pods that are to go end at once, and are gone when their node says so. */
  async #tend(): Promise<void> {
    while (!this.#closing) {
      for (const { metadata, spec } of await this.#namespace.list<Pod>("Pod")) {
        if (spec.nodeName !== this.name || metadata.deletionTimestamp === undefined) continue;
        this.#endLog(metadata.name);
        await this.#namespace.removeNow("Pod", metadata.name);
      }
      await pause(50);
    }
  }

  #endLog(pod: string): void {
    const log = this.#logs.get(pod);
    if (log === undefined) return;
    log.over = true;
    for (const reader of log.readers) reader.end();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname } = new URL(request.url ?? "/", "https://localhost");
    const [, pod = ""] = /^\/containerLogs\/[^/]+\/([^/]+)\/[^/]+$/.exec(pathname) ?? [];
    const log = this.#logs.get(pod);
    if (log === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { "content-type": "text/plain" });
    if (log.over) return void response.end(log.text);
    response.write(log.text);
    log.readers.push(response);
  }
}
