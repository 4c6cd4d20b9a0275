import { chmodSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

interface Seen {
  execution: string;
  began: number;
  /** Undefined: it was killed. */
  ended: number | undefined;
}

/**
 * What scripts themselves saw of their runs, by a file that each leaves in one directory: whatever the platform says of it. Times are of
 * this machine, and the same for all processes.
 */
export class Witness {
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory);
    // Scripts of all executors write here, each as a user of its own.
    chmodSync(directory, 0o1777);
  }

  /** A script in Python that works for a while, tells that it was here, and sends `emits`. */
  script(workMs: number, emits: string | undefined): string {
    return `
import json, os, time
from fx_ef import context
name = f"{context.execution.id}.{os.getpid()}.{time.monotonic_ns()}"
began = time.monotonic()
path = os.path.join(${JSON.stringify(this.directory)}, name)
with open(path, "w") as file:
    file.write(json.dumps({"execution": context.execution.id, "began": began}) + "\\n")
time.sleep(${workMs / 1000})
${emits === undefined ? "" : `context.events.send("${emits}", {"n": context.params.get("n")})`}
with open(path, "a") as file:
    file.write(json.dumps({"ended": time.monotonic()}) + "\\n")
`;
  }

  /** By execution. */
  read(): Map<string, Seen[]> {
    const seen = readdirSync(this.directory).map((name): Seen => {
      const [first = "{}", second] = readFileSync(path.join(this.directory, name), "utf8").trim().split("\n");
      const begin = JSON.parse(first) as { execution: string; began: number };
      const end = second === undefined ? undefined : (JSON.parse(second) as { ended: number }).ended;
      return { execution: begin.execution, began: begin.began, ended: end };
    });
    return Map.groupBy(seen, ({ execution }) => execution);
  }

  /** Executions of which two runs were under way at the same time. Of one that was killed only its begin is known. */
  overlaps(): string[] {
    const found: string[] = [];
    for (const [execution, runs] of this.read()) {
      const sorted = runs.sort((left, right) => left.began - right.began);
      for (const [index, { ended }] of sorted.entries()) {
        const next = sorted[index + 1];
        if (next !== undefined && ended !== undefined && next.began < ended) found.push(execution);
      }
    }
    return found;
  }
}
