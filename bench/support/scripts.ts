/** The same small service in each language. With `next` it also emits that event. */
export const languages = [
  {
    name: "Python",
    file: "main.py",
    source: (next?: string) =>
      next === undefined
        ? 'print("first line")\n'
        : `from fx_ef import context\nprint("first line")\ncontext.events.send("${next}", {"from": "bench"})\n`,
  },
  {
    name: "TypeScript",
    file: "main.ts",
    source: (next?: string) =>
      next === undefined
        ? 'const line: string = "first line";\nconsole.log(line);\n'
        : `import { context } from "@streamzero/fx";\nconst line: string = "first line";\nconsole.log(line);\nawait context.events.send("${next}", { from: "bench" });\n`,
  },
] as const;

export type Language = (typeof languages)[number];

/** The files of a service that runs the language's script for events of this type. */
export function serviceFiles({ file, source }: Language, type: string, next?: string): Record<string, string> {
  return {
    "manifest.json": JSON.stringify({ entrypoint: file, trigger_events: [type] }),
    [file]: source(next),
  };
}
