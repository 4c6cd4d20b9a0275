"use strict";
// Under Node: packages are loaded before the run is known, as the script's own import would find them.
const { createRequire, registerHooks } = require("node:module");
const { pathToFileURL } = require("node:url");
const { tellOfPreload } = require("./channel.cjs");

function preload(names) {
  const script = process.argv[1];
  const load = createRequire(script);
  const hooks = /\.c[jt]s$/.test(script)
    ? undefined
    : registerHooks({ resolve: asImportedBy(pathToFileURL(script).href) });
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
function asImportedBy(script) {
  return (specifier, resolving, next) => {
    if (resolving.parentURL !== script) return next(specifier, resolving);
    const conditions = resolving.conditions.map((condition) => (condition === "require" ? "import" : condition));
    return next(specifier, { ...resolving, conditions });
  };
}

module.exports = { preload };
