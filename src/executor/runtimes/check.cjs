// Finds syntax errors in JavaScript and TypeScript files without running them.
// stdin: JSON [{path, file, directory}]; stdout: JSON [{path: "name:line", message}].
const { spawnSync } = require("node:child_process");
const { existsSync, readFileSync } = require("node:fs");
const { stripTypeScriptTypes } = require("node:module");
const { dirname, extname, join } = require("node:path");
const vm = require("node:vm");

const problems = [];
for (const { path, file, directory } of JSON.parse(readFileSync(0, "utf8"))) {
  const problem = check(path, file, directory);
  if (problem) problems.push(problem);
}
process.stdout.write(JSON.stringify(problems));

function check(path, file, directory) {
  let source = readFileSync(file, "utf8");
  if (source.startsWith("#!")) source = `//${source}`;
  const extension = extname(path);
  try {
    if (/ts$/.test(extension)) source = stripTypeScriptTypes(source, { mode: "strip" });
  } catch (error) {
    return { path: `${path}:${typeScriptLine(error)}`, message: typeScriptMessage(error) };
  }
  const format = formatOf(extension, file, directory);
  const asModule = () => void new vm.SourceTextModule(source, { identifier: path });
  const asScript = () =>
    void vm.compileFunction(source, ["exports", "require", "module", "__filename", "__dirname"], { filename: path });
  const asNode = () => moduleLine(source);
  if (format === "module") return attempt(path, asModule, asNode);
  const problem = attempt(path, asScript);
  if (!problem || format === "commonjs") return problem;
  // As Node does: what cannot be a script may be a module. Which of the two errors helps depends on what it was meant to be.
  const moduleProblem = attempt(path, asModule, asNode);
  if (!moduleProblem) return undefined;
  return /^\s*(import\b(?!\s*\()|export\b)/m.test(source) ? moduleProblem : problem;
}

function attempt(path, compile, lineOf = (error) => scriptLine(path, error)) {
  try {
    compile();
    return undefined;
  } catch (error) {
    return { path: `${path}:${lineOf(error) || 1}`, message: `${error.name}: ${error.message}` };
  }
}

function scriptLine(path, error) {
  const place = String(error.stack)
    .split("\n")
    .find((line) => line.startsWith(`${path}:`));
  return Number.parseInt(place?.slice(path.length + 1) ?? "1", 10);
}

// The error of a module does not carry its line; Node's own check prints it. Only a faulty file pays for that.
function moduleLine(source) {
  const checked = spawnSync(process.execPath, ["--input-type=module", "--check"], { input: source, encoding: "utf8" });
  return Number(/^\[stdin\]:(\d+)/m.exec(checked.stderr)?.[1] ?? 1);
}

function formatOf(extension, file, directory) {
  if (extension.startsWith(".m")) return "module";
  if (extension.startsWith(".c")) return "commonjs";
  for (let folder = dirname(file); folder.startsWith(directory); folder = dirname(folder)) {
    const manifest = join(folder, "package.json");
    if (existsSync(manifest)) return typeOf(manifest);
    if (folder === dirname(folder)) break;
  }
  return undefined;
}

function typeOf(manifest) {
  try {
    return JSON.parse(readFileSync(manifest, "utf8")).type;
  } catch {
    return undefined;
  }
}

function typeScriptLine(error) {
  return /:(\d+)(?:\s|$)/.exec(String(error.stack).split("\n")[0])?.[1] ?? 1;
}

function typeScriptMessage(error) {
  if (error.code !== "ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX") return `SyntaxError: ${error.message}`;
  return `${error.message}; only types that can be erased are taken: no enum, namespace, parameter property or import alias`;
}
