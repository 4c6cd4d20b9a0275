"use strict";
// Under Node: packages are loaded before the run is known, the files that the script's own import or require will find.
const { readFileSync } = require("node:fs");
const { createRequire, findPackageJSON, registerHooks } = require("node:module");
const { dirname, extname, join } = require("node:path");
const { pathToFileURL } = require("node:url");
const { tellOfPreload } = require("./channel.cjs");

function preload(names) {
  const script = process.argv[1];
  // From below the script's directory: what Node remembers of a name is remembered for a directory, and is to be no answer to the script.
  const place = join(dirname(script), "preload", "of.cjs");
  const load = createRequire(place);
  const hooks = isModule(script) ? registerHooks({ resolve: asImportedBy(pathToFileURL(place).href) }) : undefined;
  for (const name of names) {
    try {
      load(name);
    } catch (error) {
      tellOfPreload(name, error);
    }
  }
  hooks?.deregister();
}

/** What a package offers to `import` may be another file than what it offers to `require`. */
function asImportedBy(place) {
  return (specifier, resolving, next) => {
    if (resolving.parentURL !== place) return next(specifier, resolving);
    const conditions = resolving.conditions.map((condition) => (condition === "require" ? "import" : condition));
    return next(specifier, { ...resolving, conditions });
  };
}

/** Where only the text decides, a guess: another file would be loaded for nothing. */
function isModule(script) {
  const kind = extname(script)[1];
  if (kind === "m" || kind === "c") return kind === "m";
  try {
    const description = findPackageJSON(pathToFileURL(script).href);
    const type = description && JSON.parse(readFileSync(description, "utf8")).type;
    return type ? type === "module" : /^\s*(import|export)\b(?!\s*\()/m.test(readFileSync(script, "utf8"));
  } catch {
    return false;
  }
}

module.exports = { preload };
