import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import type { Settings } from "../../config/settings.ts";
import type { ExecutorProbe } from "../../platform/probe-executor.ts";
import { sizeText } from "../terminal/times.ts";
import { existingDirectory } from "./check-data-directory.ts";
import type { Finding } from "./finding.ts";

const neededNode = 24;
const warnBelowBytes = 5_000_000_000;
const failBelowBytes = 500_000_000;

export function checkNode(version = process.versions.node): Finding {
  const check = "node";
  if (Number.parseInt(version, 10) >= neededNode) return { check, verdict: "ok", found: version };
  return {
    check,
    verdict: "fail",
    found: `${version}, at least ${neededNode} is needed`,
    fix: "start by `npm start`, which brings one",
  };
}

export function checkDisk({ dataDir }: Settings): Finding {
  const directory = existingDirectory(dataDir) ?? dirname(dataDir);
  const { bavail, bsize } = statfsSync(directory);
  const freeBytes = bavail * bsize;
  const found = `${sizeText(freeBytes)} free at ${directory}`;
  if (freeBytes >= warnBelowBytes) return { check: "disk", verdict: "ok", found };
  const fix = "free some, or choose another place: FX_DATA_DIR; retention settings: fx config show";
  return { check: "disk", verdict: freeBytes < failBelowBytes ? "fail" : "warn", found, fix };
}

function checkPackageTools({ python, node, pythonVersions }: ExecutorProbe["packageTools"]): Finding {
  const check = "package tools";
  const found = [
    python ?? "nothing for requirements.txt",
    node ?? "nothing for package.json",
    `Python ${pythonVersions.join(", ") || "none"}`,
  ].join("; ");
  if (python !== undefined && node !== undefined) return { check, verdict: "ok", found };
  const missing = [python ? "" : "uv, or pip (Debian: apt-get install python3-venv)", node ? "" : "npm"];
  return { check, verdict: "warn", found, fix: `install ${missing.filter(Boolean).join(" and ")} for all users` };
}

export async function checkExecutor(settings: Settings): Promise<Finding[]> {
  const { probeExecutor } = await import("../../platform/probe-executor.ts");
  const { runtimes, javascript, isolation, controlGroups, packageTools, sandboxHindrance, forking } =
    await probeExecutor(settings);
  const languages = Object.entries(runtimes).map(([name, probe]): Finding => {
    const check = `scripts in ${name}`;
    const chosen = name === javascript ? "; runs TypeScript and JavaScript unless a manifest says otherwise" : "";
    if (probe.available) return { check, verdict: "ok", found: `${probe.version} (${probe.command})${chosen}` };
    return { check, verdict: "warn", found: probe.reason, fix: probe.fix };
  });
  const verdict = isolation.isolated ? "ok" : settings.executor.isolation === "require" ? "fail" : "warn";
  const fix = isolation.isolated ? undefined : "run the platform as root, or on Linux 5.13 or later with Python 3";
  const sandbox: Finding = {
    check: "sandbox",
    verdict: sandboxHindrance === undefined ? "ok" : "warn",
    found: sandboxHindrance?.why ?? "services can have one (manifest key isolation)",
    fix: sandboxHindrance && `only services that ask for a sandbox need this: ${sandboxHindrance.fix}`,
  };
  return [
    ...languages,
    checkForking(forking),
    checkPackageTools(packageTools),
    { check: "isolation", verdict, found: isolation.text, fix },
    sandbox,
    checkControlGroups(settings, controlGroups),
  ];
}

function checkForking(forking: ExecutorProbe["forking"]): Finding {
  const check = "starting scripts";
  if (forking.forks)
    return { check, verdict: "ok", found: `scripts are forked from a warm Python ${forking.python.version}` };
  const { why, fix } = forking;
  return { check, verdict: "warn", found: `each script is started anew, which takes longer: ${why}`, fix };
}

/** Without control groups limits hold as well, if less closely: worth a warning only where a person named a group. */
function checkControlGroups({ executor }: Settings, groups: ExecutorProbe["controlGroups"]): Finding {
  const [check, found] = ["limits of runs", groups.text];
  if (groups.inForce || !executor.cgroup.startsWith("/")) return { check, verdict: "ok", found };
  return { check, verdict: "warn", found, fix: "name a group that this user may divide, or none: executor.cgroup" };
}

/** An engine is no need of the platform: none is worth a warning only where one was named. */
export async function checkContainers(settings: Settings): Promise<Finding> {
  const { probeContainers } = await import("../../platform/probe-executor.ts");
  const { answers, named, text } = await probeContainers(settings);
  const check = "containers";
  if (answers) return { check, verdict: "ok", found: text };
  if (!named)
    return {
      check,
      verdict: "ok",
      found: `services of the type "container", and scripts with that isolation, do not run here: ${text}`,
    };
  return { check, verdict: "warn", found: text, fix: "start it, or name another: executor.containers.engine" };
}
