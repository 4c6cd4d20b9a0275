import type { ApiParts } from "../../src/manager/api/api-parts.ts";
import { createApi } from "../../src/manager/api/server.ts";

interface Operation {
  summary?: string;
  description?: string;
  tags?: string[];
  operationId?: string;
  security?: unknown[];
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[];
}

interface Schema {
  type?: string | string[];
  enum?: unknown[];
  anyOf?: Schema[];
}

interface Document {
  tags: { name: string; description: string }[];
  paths: Record<string, Record<string, Operation>>;
}

/** `docs/reference/api.md`, made from the routes' own descriptions. */
export async function apiReference(): Promise<string> {
  return apiReferenceOf(await openApiDocument());
}

/** Throws when an operation would be on no part of the page. */
export function apiReferenceOf({ tags, paths }: Document): string {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const known = new Set(tags.map(({ name }) => name));
  for (const { path, method, operation } of all) {
    if (!operation.tags?.some((tag) => known.has(tag)))
      throw new Error(
        `${method} ${path} has no tag of src/manager/api/open-api.ts, so no part of the page would show it`,
      );
  }
  return `${[
    "# The HTTP API",
    "",
    "<!-- Made from the routes by `npm run docs`; a test holds it to them. -->",
    "",
    "What a running platform tells of itself at `/api/docs`, and as OpenAPI 3.1 at `/api/v1/openapi.json`, in short. Every call needs the",
    "header `Authorization: Bearer <token>` unless it says *open*. Lists answer `{items, next}`: `after` takes the previous page's `next`,",
    "`limit` is at most 1,000. Errors are problem documents (RFC 9457).",
    "",
    ...tags.flatMap(({ name, description }) => {
      const own = all.filter(({ operation }) => operation.tags?.includes(name));
      return own.length === 0 ? [] : [`## ${name}`, "", `${description}.`, "", ...own.flatMap(section)];
    }),
  ]
    .join("\n")
    .trimEnd()}\n`;
}

function section({ path, method, operation }: { path: string; method: string; operation: Operation }): string[] {
  const open = operation.security?.length === 0 ? " *Open.*" : "";
  const parameters = (operation.parameters ?? []).filter((parameter) => parameter.in !== "path");
  return [
    `### ${method} ${path}`,
    "",
    `${sentence(operation.summary ?? "")}${open}${operation.description ? ` ${operation.description}` : ""}`,
    "",
    ...(parameters.length === 0
      ? []
      : [
          "| In | Name | |",
          "|---|---|---|",
          ...parameters.map(
            ({ in: place, name, description, schema }) =>
              `| ${place} | \`${name}\` | ${cell([words(schema), description].filter(Boolean).join(". "))} |`,
          ),
          "",
        ]),
  ];
}

function words(schema: Schema | undefined): string {
  if (schema?.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(" ");
  if (schema?.anyOf) return schema.anyOf.map(words).join(" or ");
  return [schema?.type ?? []].flat().join(" or ");
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ");
}

/** The document is made from the routes alone: no part behind them is asked anything. */
export async function openApiDocument(): Promise<Document> {
  const unused: unknown = new Proxy(() => unused, { get: (_target, name) => (name === "then" ? undefined : unused) });
  const settings = {
    host: "127.0.0.1",
    limits: { eventBytes: 1, bodyBytes: 1, batchEvents: 1, packageBytes: 1, packageFiles: 1 },
  };
  const parts = new Proxy({ settings, token: "unused", productVersion: "0.0.0" } as unknown as ApiParts, {
    get: (target, name) => (name in target ? target[name as keyof ApiParts] : unused),
  });
  const app = await createApi(parts);
  try {
    return app.swagger() as unknown as Document;
  } finally {
    await app.close();
  }
}
