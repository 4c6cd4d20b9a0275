import { parseAllDocuments } from "yaml";
import { z } from "zod";
import type { Problem } from "../foundation/errors.ts";
import { foundAt, schemaWords } from "../foundation/schema-words.ts";
import { jobFile } from "./elsewhere.ts";

const names = z.object({ name: z.string().min(1) }).loose();
const container = names.extend({ env: z.array(names).optional(), volumeMounts: z.array(names).optional() });

/** What is read of a Job here; the rest is the cluster's to judge. */
const jobSchema = z
  .object({
    apiVersion: z.literal("batch/v1", 'must be "batch/v1"'),
    kind: z.literal("Job", 'must be "Job"'),
    metadata: z
      .object({ namespace: z.string().optional(), labels: z.record(z.string(), z.string()).optional() })
      .loose()
      .optional(),
    spec: z
      .object({
        template: z
          .object({
            metadata: z
              .object({ labels: z.record(z.string(), z.string()).optional() })
              .loose()
              .optional(),
            spec: z
              .object({
                containers: z.array(container, "must list the containers").min(1, "must list at least one container"),
                initContainers: z.array(container).optional(),
                volumes: z.array(names).optional(),
              })
              .loose(),
          })
          .loose(),
      })
      .loose(),
  })
  .loose();

export type Job = z.infer<typeof jobSchema>;

/** Reads `deployment.yaml`: one document, a Job of batch/v1. Paths of problems carry the line where YAML itself is wrong. */
export function readJob(text: string): { ok: true; job: Job } | { ok: false; problems: Problem[] } {
  const documents = parseAllDocuments(text);
  const [document] = documents;
  const wrong = documents.flatMap(({ errors }) => errors);
  if (wrong.length > 0) {
    const problems = wrong.map(({ message, linePos }) => ({
      path: `${jobFile}:${linePos?.[0].line ?? 1}`,
      message: `must be YAML: ${message.split("\n")[0]}`,
    }));
    return { ok: false, problems };
  }
  if (document === undefined || documents.length !== 1) {
    const message = `must hold one document, the Job; found ${documents.length}`;
    return { ok: false, problems: [{ path: jobFile, message }] };
  }
  const value: unknown = document.toJS();
  const parsed = jobSchema.safeParse(value, { error: schemaWords });
  if (parsed.success) return { ok: true, job: parsed.data };
  const problems = parsed.error.issues.map(({ path, message }) => {
    return {
      path: `${jobFile}: ${path.join(".") || "(the whole file)"}`,
      message: `${message}${foundAt(path, value)}`,
    };
  });
  return { ok: false, problems };
}
