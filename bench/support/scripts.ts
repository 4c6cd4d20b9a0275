/** The same small service in each language. With `next` it also emits that event. */
export const languages = [
  {
    name: "Python",
    slug: "python",
    runtime: undefined,
    isolation: undefined,
    file: "main.py",
    source: printingInPython,
  },
  {
    name: "Python, warm",
    slug: "python-warm",
    runtime: undefined,
    isolation: "warm",
    file: "main.py",
    source: printingInPython,
  },
  {
    name: "TypeScript on Bun",
    slug: "bun",
    runtime: "bun",
    isolation: undefined,
    file: "main.ts",
    source: printingInTypeScript,
  },
  {
    name: "TypeScript on Bun, warm",
    slug: "bun-warm",
    runtime: "bun",
    isolation: "warm",
    file: "main.ts",
    source: printingInTypeScript,
  },
  {
    name: "TypeScript on Node",
    slug: "node",
    runtime: "node",
    isolation: undefined,
    file: "main.ts",
    source: printingInTypeScript,
  },
] as const;

function printingInPython(next?: string): string {
  return next === undefined
    ? 'print("first line")\n'
    : `from fx_ef import context\nprint("first line")\ncontext.events.send("${next}", {"from": "bench"})\n`;
}

function printingInTypeScript(next?: string): string {
  return next === undefined
    ? 'const line: string = "first line";\nconsole.log(line);\n'
    : `import { context } from "@streamzero/fx";\nconst line: string = "first line";\nconsole.log(line);\nawait context.events.send("${next}", { from: "bench" });\n`;
}

/** The same at levels that few measure. */
export const otherLevels = [
  {
    name: "Python, in a sandbox",
    slug: "python-sandbox",
    runtime: undefined,
    isolation: "sandbox",
    file: "main.py",
    source: printingInPython,
  },
  {
    name: "TypeScript on Node, warm",
    slug: "node-warm",
    runtime: "node",
    isolation: "warm",
    file: "main.ts",
    source: printingInTypeScript,
  },
] as const;

export type Language = (typeof languages)[number] | (typeof otherLevels)[number];

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

/** A script that is nothing but work. */
export function fibonacci(n: number): string {
  return `def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nprint(fib(${n}))\n`;
}

export function importing(module: string): string {
  return `import ${module}\nprint(${module}.__version__)\n`;
}

/** The files of a service that runs the same Python script so often, one after the other, for events of this type. */
export function sequence(
  type: string,
  count: number,
  source: string,
  manifest: Record<string, string | readonly string[]> = {},
): Record<string, string> {
  const names = Array.from({ length: count }, (_, n) => `step_${n + 1}.py`);
  return {
    "manifest.json": JSON.stringify({ ...manifest, execution_order: names, trigger_events: [type] }),
    ...Object.fromEntries(names.map((name) => [name, source])),
  };
}
