// @ts-check
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Written last into node_modules: the hash of the lock that it was installed from. */
const stampName = ".fx-set-up";

/** @param {string} root */
export function lockHash(root) {
  return createHash("sha256")
    .update(readFileSync(join(root, "package-lock.json")))
    .digest("hex");
}

/**
 * @param {string} nodeModules
 * @param {string} hash
 */
export function writeStamp(nodeModules, hash) {
  writeFileSync(join(nodeModules, stampName), `${hash}\n`);
}

/**
 * Whether node_modules holds what package-lock.json names. A tree that a person installed with npm is recognised
 * by the record that npm itself keeps in it, and stamped, so that it is never installed twice.
 *
 * @param {string} root
 */
export function packagesInPlace(root) {
  const nodeModules = join(root, "node_modules");
  const hash = lockHash(root);
  if (read(join(nodeModules, stampName))?.trim() === hash) return true;
  const installed = read(join(nodeModules, ".package-lock.json"));
  if (installed === undefined || !satisfiesLock(read(join(root, "package-lock.json")) ?? "", installed)) return false;
  writeStamp(nodeModules, hash);
  return true;
}

/**
 * Every package that the lock requires is installed in the very version. Optional ones may be missing: they are
 * for other machines.
 *
 * @param {string} lockText package-lock.json
 * @param {string} installedText node_modules/.package-lock.json
 */
export function satisfiesLock(lockText, installedText) {
  const required = packagesOf(lockText);
  const installed = packagesOf(installedText);
  if (required === undefined || installed === undefined) return false;
  return Object.entries(required).every(([path, wanted]) => {
    if (!path.startsWith("node_modules/") && !path.includes("/node_modules/")) return true;
    const found = installed[path];
    if (found === undefined) return wanted.optional === true || wanted.devOptional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

/** @typedef {{ version?: string, integrity?: string, optional?: boolean, devOptional?: boolean }} LockedPackage */

/**
 * @param {string} text
 * @returns {Record<string, LockedPackage> | undefined}
 */
function packagesOf(text) {
  try {
    const packages = JSON.parse(text).packages;
    return typeof packages === "object" && packages !== null ? packages : undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
