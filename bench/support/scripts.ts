/** The same small service in each language. With `next` it also emits that event. */
export const languages = [
  {
    name: "Python",
    slug: "python",
    runtime: undefined,
    isolation: undefined,
    file: "main.py",
    source: python,
  },
  {
    name: "Python, warm",
    slug: "python-warm",
    runtime: undefined,
    isolation: "warm",
    file: "main.py",
    source: python,
  },
  { name: "TypeScript on Bun", slug: "bun", runtime: "bun", isolation: undefined, file: "main.ts", source: typescript },
  {
    name: "TypeScript on Node",
    slug: "node",
    runtime: "node",
    isolation: undefined,
    file: "main.ts",
    source: typescript,
  },
] as const;

function python(next?: string): string {
  return next === undefined
    ? 'print("first line")\n'
    : `from fx_ef import context\nprint("first line")\ncontext.events.send("${next}", {"from": "bench"})\n`;
}

function typescript(next?: string): string {
  return next === undefined
    ? 'const line: string = "first line";\nconsole.log(line);\n'
    : `import { context } from "@streamzero/fx";\nconst line: string = "first line";\nconsole.log(line);\nawait context.events.send("${next}", { from: "bench" });\n`;
}

export type Language = (typeof languages)[number];

/** The files of a service that runs the language's script for events of this type. */
export function serviceFiles(
  { file, runtime, isolation, source }: Language,
  type: string,
  next?: string,
): Record<string, string> {
  return {
    "manifest.json": JSON.stringify({ entrypoint: file, runtime, isolation, trigger_events: [type] }),
    [file]: source(next),
  };
}
