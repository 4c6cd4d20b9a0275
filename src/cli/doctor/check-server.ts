import { createServer } from "node:net";
import type { Connection } from "../../config/connection.ts";
import type { Settings } from "../../config/settings.ts";
import { CliError } from "../cli-error.ts";
import { Client } from "../connection/client.ts";
import { findPortHolder } from "../start/port-holder.ts";
import type { Finding } from "./finding.ts";

const answerWithinMs = 5000;

/** The port that a start would take: free, held by a platform, or held by something else. */
export async function checkPort({ host, port }: Settings, serverAnswers: boolean): Promise<Finding> {
  const check = "port";
  if (port === 0) return { check, verdict: "ok", found: "0: any free one" };
  const failure = await tryToListen(host, port);
  if (failure === undefined) return { check, verdict: "ok", found: `${port} of ${host} is free` };
  if (failure !== "EADDRINUSE") {
    return {
      check,
      verdict: "fail",
      found: `${host}:${port} cannot be listened on: ${failure}`,
      fix: "fx start --host 127.0.0.1 --port 8080",
    };
  }
  const holder = findPortHolder(port);
  const by = holder ? `by process ${holder.pid}: ${holder.command}` : "by another process";
  if (serverAnswers) return { check, verdict: "ok", found: `${port} of ${host} is held by the platform` };
  return { check, verdict: "fail", found: `${port} of ${host} is held ${by}`, fix: `fx start --port ${port + 1}` };
}

/** Whether a platform answers, is ready, and takes our token. */
export async function checkServer(connection: Connection): Promise<Finding> {
  const api = new Client(connection);
  const check = "platform";
  const signal = AbortSignal.timeout(answerWithinMs);
  try {
    await api.get("/healthz", undefined, signal);
  } catch {
    return { check, verdict: "warn", found: `none answers at ${connection.url}`, fix: "fx start, or --url" };
  }
  try {
    await api.get("/readyz", undefined, signal);
    await api.get("/api/v1/projects", { limit: 1 }, signal);
    return { check, verdict: "ok", found: `ready at ${connection.url}; the token is from ${connection.tokenFrom}` };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    const parts = error.problems.map(({ path, message }) => `${path}: ${message}`).join("; ");
    const found = `${connection.url}: ${error.message}${parts === "" ? "" : ` (${parts})`}`;
    const fix = error.exit === "unreachable" ? "look at its log, on the standard error of `fx start`" : error.fix;
    return { check, verdict: "fail", found, fix };
  }
}

function tryToListen(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
