import { readEventStream } from "../../../src/cli/connection/event-stream.ts";
import { eventually } from "../../support/eventually.ts";
import { type ExecutionJson, packFiles, type TestPlatform, testToken } from "../../support/platform.ts";

/** Deploys with progress, and runs by name, of a test platform. */
export class DependencyRuns {
  readonly #platform: TestPlatform;

  constructor(platform: TestPlatform) {
    this.#platform = platform;
  }

  /** Asks for a run of a service. Resolves with the execution's id. */
  async begin(name: string): Promise<string> {
    const { status, body } = await this.#platform.request<{ executionId: string }>(
      "POST",
      `/api/v1/services/default/${name}/run`,
      { json: {} },
    );
    if (status >= 400) throw new Error(`${name} was not run: ${JSON.stringify(body)}`);
    return body.executionId;
  }

  /** Runs a service to its end. `logs`: all that the run wrote, in order. */
  async run(name: string): Promise<{ execution: ExecutionJson; output: string; logs: string }> {
    const id = await this.begin(name);
    const execution = await eventually(async () => {
      const found = await this.#platform.execution(id);
      return ["completed", "failed"].includes(found.status) && found;
    });
    const output = execution.steps.map(({ output }) => output.preview).join("");
    return { execution, output, logs: await this.logsOf(id) };
  }

  async logsOf(id: string): Promise<string> {
    const { body } = await this.#platform.request<{ items: { text: string }[] }>(
      "GET",
      `/api/v1/executions/${id}/logs?limit=1000`,
    );
    return body.items.map(({ text }) => text).join("\n");
  }

  /** All that the platform tells of a deploy. */
  async deployTold(name: string, files: Record<string, string>): Promise<{ event: string; data: unknown }[]> {
    const response = await fetch(`${this.#platform.url}/api/v1/services/default/${name}/versions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${testToken}`,
        "content-type": "application/gzip",
        accept: "text/event-stream",
      },
      body: await packFiles(files),
    });
    const events: { event: string; data: unknown }[] = [];
    for await (const { event, data } of readEventStream(response.body as AsyncIterable<Uint8Array>)) {
      events.push({ event, data: JSON.parse(data) });
    }
    return events;
  }
}
