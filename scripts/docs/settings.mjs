// @ts-check
import { writeFileSync } from "node:fs";
import { settingsReference } from "../../src/config/settings-reference.ts";

/** Writes docs/reference/settings.md anew from the schema of settings. */
writeFileSync(new URL("../../docs/reference/settings.md", import.meta.url), settingsReference());
