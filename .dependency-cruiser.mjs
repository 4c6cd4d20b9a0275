// @ts-check
// The table "who may import whom" of ARCHITECTURE.md, as rules. A folder not named here may import nothing of src.

const foundation = "^src/foundation/";
const contract = "[.]contract[.]ts$";

/** What each folder of the domain may import besides itself and the foundation. */
const domain = {
  events: [],
  services: ["events"],
  executions: ["events", "services"],
  search: ["services"],
  alerts: ["events", "services", "executions", "search"],
  metrics: ["events"],
};
const domainFolders = `^src/(${Object.keys(domain).join("|")})/`;

/** A port is the file named like its folder; the catalog's and the configuration store's are the files at their top but for drivers, one a store. */
const catalogPort = "^src/catalog/(?!sqlite|postgres)[^/]+[.]ts$";
const singlePorts = ["bus", "config-store", "artifact-store", "ops-data"];
const configStorePort = "^src/config-store/(?!sqlite|consul)[^/]+[.]ts$";
const portFiles = [...singlePorts.map((name) => `^src/${name}/${name}[.]ts$`), configStorePort, catalogPort];
const driverFolders = [...singlePorts, "catalog"];
const drivers = { path: `^src/(${driverFolders.join("|")})/`, pathNot: [...portFiles, contract] };

/** The parts meet on the bus and in the catalog; none imports another. */
const parts = ["router", "executor", "scheduler", "sinks", "recovery", "adapters", "manager"];

const ruled = ["foundation", ...Object.keys(domain), ...driverFolders, ...parts, "config", "platform", "cli"];

/**
 * @param {string} folder
 * @param {string[]} others patterns of what it may import besides itself
 * @param {string} comment
 */
function mayImport(folder, others, comment) {
  return {
    name: `${folder}-imports`,
    comment,
    severity: "error",
    from: { path: `^src/${folder}/`, pathNot: contract },
    to: { path: "^src/", pathNot: [`^src/${folder}/`, ...others] },
  };
}

/**
 * @param {string} library pattern of the resolved package or built-in
 * @param {string} places pattern of the files that may import it
 * @param {string} comment
 */
function onlyIn(library, places, comment) {
  return {
    name: `only-here-${library.replace(/[^a-z]+/g, "-").replace(/^-|-$/g, "")}`,
    comment,
    severity: "error",
    from: { path: "^src/", pathNot: [places, contract] },
    to: { path: library },
  };
}

/** @type {import("dependency-cruiser").IConfiguration} */
export default {
  forbidden: [
    {
      name: "no-circular",
      comment: "A cycle means that two files are one thing, or that a third is missing. Types count.",
      severity: "error",
      from: {},
      to: { circular: true },
    },
    {
      name: "resolvable",
      comment: "Every import leads to a file or an installed package.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true },
    },
    mayImport("foundation", [], "The foundation imports nothing of ours."),
    ...Object.entries(domain).map(([folder, others]) =>
      mayImport(
        folder,
        [foundation, ...others.map((name) => `^src/${name}/`)],
        "The domain knows no port and no part.",
      ),
    ),
    {
      name: "single-port-imports",
      comment: "A port never imports another port, the catalog included.",
      severity: "error",
      from: { path: `^src/(${singlePorts.join("|")})/[^/]+[.]ts$`, pathNot: contract },
      to: { path: `^src/(${driverFolders.join("|")})/`, pathNot: "^src/$1/" },
    },
    {
      name: "port-without-driver",
      comment: "A port does not know its drivers.",
      severity: "error",
      from: { path: portFiles },
      to: drivers,
    },
    {
      name: "catalog-port-imports",
      comment: "The stores of the catalog are told in terms of each other only.",
      severity: "error",
      from: { path: catalogPort, pathNot: contract },
      to: { path: `^src/(${singlePorts.join("|")})/` },
    },
    ...driverFolders.map((folder) => ({
      name: `${folder}-driver-imports`,
      comment: "A driver knows its own port, the domain and its client library; never another driver.",
      severity: "error",
      from: { path: `^src/${folder}/`, pathNot: contract },
      to: { path: "^src/", pathNot: [foundation, domainFolders, `^src/${folder}/`] },
    })),
    ...parts.map((folder) =>
      mayImport(folder, [foundation, domainFolders, ...portFiles], "The parts meet on the bus and in the catalog."),
    ),
    mayImport("config", [foundation, domainFolders, ...portFiles], "Settings are composed from the ports' options."),
    mayImport("cli", [foundation, domainFolders, "^src/config/", "^src/platform/"], "The CLI speaks to the API."),
    {
      name: "drivers-only-from-platform",
      comment: "Only src/platform names drivers, so that no part knows which one it has.",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/platform/", `^src/(${driverFolders.join("|")})/`, contract] },
      to: drivers,
    },
    {
      name: "platform-only-from-cli",
      comment: "The composition is the outermost layer.",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/(platform|cli)/", contract] },
      to: { path: "^src/platform/" },
    },
    {
      name: "unruled-folder",
      comment: "A new folder of src needs its line in this file and in ARCHITECTURE.md.",
      severity: "error",
      from: { path: "^src/", pathNot: [`^src/(${ruled.join("|")})/`] },
      to: { path: "^src/" },
    },
    {
      name: "src-stands-alone",
      comment: "What is tested never imports its tests, benches, examples or tools.",
      severity: "error",
      from: { path: "^src/", pathNot: contract },
      to: { path: "^(test|bench|examples|scripts|ui)/" },
    },
    {
      name: "sdk-and-ui-stand-alone",
      comment: "Users' dependencies and the browser know the platform by its API only.",
      severity: "error",
      from: { path: "^(sdk|ui)/" },
      to: { path: "^(src|test|bench|examples|scripts)/" },
    },
    {
      name: "src-without-development-packages",
      comment: "What runs in production is a dependency, not a development one.",
      severity: "error",
      from: { path: "^src/", pathNot: contract },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"], dependencyTypesNot: ["type-only"] },
    },
    onlyIn(
      "^(node:)?sqlite$",
      `^src/(platform|foundation)/|^src/(${driverFolders.join("|")})/([^/]+/|[^/]*(sqlite|worker))`,
      "Engines are drivers; the foundation opens their files, the platform locks the data directory with one.",
    ),
    onlyIn(
      "^node_modules/kysely/",
      "^src/catalog/([^/]+/|sqlite|postgres)",
      "SQL is written in the catalog's driver only.",
    ),
    onlyIn(
      "^(node:)?child_process$",
      "^src/(executor/(launcher/|runtimes/(run-tool[.]ts|check[.]cjs)|isolation/choose-isolation[.]ts)|cli/)",
      "A spawn blocks a process for as long as it is large: the launcher spawns. The rest is asked once, at the start.",
    ),
    onlyIn("^node_modules/@aws-sdk/", "^src/artifact-store/(s3/|s3[.]ts$)", "S3 is spoken by its driver only."),
    onlyIn("^node_modules/(@fastify/[^/]+|fastify)/", "^src/manager/", "HTTP is the manager's."),
    onlyIn("^node_modules/(commander|cli-table3)/", "^src/cli/", "The terminal is the CLI's."),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "node_modules" },
    // What bench/peers lays beside the packages of others runs there.
    exclude: { path: "^test/fixtures/|^bench/peers/.*[.][cm]js$" },
    enhancedResolveOptions: { exportsFields: ["exports"], conditionNames: ["import", "types", "node", "default"] },
  },
};
