/** The services that ours runs for each contender of ours: the same work as `shared/work.py` and `shared/work.mjs`. */
export interface Level {
  slug: string;
  title: string;
  language: "python" | "typescript";
  isolation: "process" | "warm";
}

export const stepType = (slug: string) => `bench.${slug}.step`;
export const jobType = (slug: string) => `bench.${slug}.job`;

const python = {
  job: `import time
from fx_ef import context

print(f"job {context.event['data']['number']} {time.time() * 1000:.3f}")
`,
  step: (type: string) => `from fx_ef import context

def fib(n):
    return n if n <= 1 else fib(n - 1) + fib(n - 2)

left, n = context.event["data"]["left"], context.event["data"]["n"]
print(fib(n))
if left > 1:
    context.events.send("${type}", {"left": left - 1, "n": n})
`,
};

const typescript = {
  job: `import { context } from "@streamzero/fx";

const { number } = context.event.data as { number: number };
console.log(\`job \${number} \${(performance.timeOrigin + performance.now()).toFixed(3)}\`);
`,
  step: (type: string) => `import { context } from "@streamzero/fx";

function fib(n: number): number {
  return n <= 1 ? n : fib(n - 1) + fib(n - 2);
}

const { left, n } = context.event.data as { left: number; n: number };
console.log(fib(n));
if (left > 1) await context.events.send("${type}", { left: left - 1, n });
`,
};

/** Files of both services, by their names. */
export function servicesOf({ slug, language, isolation }: Level): Record<string, Record<string, string>> {
  const { job, step } = language === "python" ? python : typescript;
  const file = language === "python" ? "main.py" : "main.ts";
  const service = (type: string, source: string) => ({
    "manifest.json": JSON.stringify({ entrypoint: file, isolation, trigger_events: [type] }),
    [file]: source,
  });
  return {
    [`${slug}-job`]: service(jobType(slug), job),
    [`${slug}-step`]: service(stepType(slug), step(stepType(slug))),
  };
}
