// @ts-check
/** Prints the scripts of package.json that are test suites, `test` first. */
import { readFileSync } from "node:fs";
import { suitesOf } from "./suites-of.mjs";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
process.stdout.write(`${suitesOf(manifest.scripts).join("\n")}\n`);
