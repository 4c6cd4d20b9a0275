import { Console } from "node:console";

const places = /%([sdifjoOc%])/g;

/** Bun's console writes past `process.stdout`; this one prints the same by way of it. */
export function installConsole() {
  const rarely = new Console({ stdout: lately("stdout"), stderr: lately("stderr") });
  let depth = 0;
  const print = (name, values) => process[name].write(`${indent(format(values), depth)}\n`);
  for (const name of ["log", "info", "debug"]) console[name] = (...values) => print("stdout", values);
  for (const name of ["error", "warn"]) console[name] = (...values) => print("stderr", values);
  for (const name of ["assert", "trace", "time", "timeEnd", "timeLog", "count", "countReset", "dirxml"]) {
    console[name] = (...values) => rarely[name](...values);
  }
  console.dir = (value, options) => print("stdout", [Bun.inspect(value, { depth: 2, ...options })]);
  console.table = (...given) => process.stdout.write(Bun.inspect.table(...given));
  console.group = console.groupCollapsed = (...values) => {
    if (values.length > 0) print("stdout", values);
    depth += 1;
  };
  console.groupEnd = () => {
    depth = Math.max(0, depth - 1);
  };
}

/** A run may replace the streams; the console writes to those of the moment. */
const lately = (name) => ({
  write: (...given) => process[name].write(...given),
  on() {},
  once() {},
  removeListener() {},
});

function format(values) {
  const [first, ...rest] = values;
  if (typeof first !== "string" || rest.length === 0 || !first.includes("%")) return values.map(shown).join(" ");
  const text = first.replace(places, (place, kind) => {
    if (kind === "%") return "%";
    return rest.length === 0 ? place : filled(kind, rest.shift());
  });
  return [text, ...rest.map(shown)].join(" ");
}

const shown = (value) => (typeof value === "string" ? value : Bun.inspect(value, { depth: 2 }));

function filled(kind, value) {
  if (kind === "s") return String(value);
  if (kind === "d") return typeof value === "bigint" ? `${value}` : String(Number(value));
  if (kind === "i") return String(Number.parseInt(value, 10));
  if (kind === "f") return String(Number.parseFloat(value));
  if (kind === "j") return JSON.stringify(value);
  if (kind === "c") return "";
  return Bun.inspect(value, { depth: 4 });
}

const indent = (text, depth) => (depth === 0 ? text : text.replace(/^/gm, "  ".repeat(depth)));
