/** The same small service in each language. With `next` it also emits that event. */
export const languages = [
  {
    name: "Python",
    slug: "python",
    runtime: undefined,
    file: "main.py",
    source: (next?: string) =>
      next === undefined
        ? 'print("first line")\n'
        : `from fx_ef import context\nprint("first line")\ncontext.events.send("${next}", {"from": "bench"})\n`,
  },
  { name: "TypeScript on Bun", slug: "bun", runtime: "bun", file: "main.ts", source: typescript },
  { name: "TypeScript on Node", slug: "node", runtime: "node", file: "main.ts", source: typescript },
] as const;

function typescript(next?: string): string {
  return next === undefined
    ? 'const line: string = "first line";\nconsole.log(line);\n'
    : `import { context } from "@streamzero/fx";\nconst line: string = "first line";\nconsole.log(line);\nawait context.events.send("${next}", { from: "bench" });\n`;
}

export type Language = (typeof languages)[number];

/** The files of a service that runs the language's script for events of this type. */
export function serviceFiles({ file, runtime, source }: Language, type: string, next?: string): Record<string, string> {
  return {
    "manifest.json": JSON.stringify({ entrypoint: file, runtime, trigger_events: [type] }),
    [file]: source(next),
  };
}
