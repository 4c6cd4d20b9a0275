import { commonJsOnBun, typescriptOnBun } from "./programs.ts";
import { runtimeContract } from "./runtime-contract.ts";

runtimeContract("TypeScript on Bun", typescriptOnBun);
runtimeContract("JavaScript (CommonJS) on Bun", commonJsOnBun);
runtimeContract("TypeScript on Bun, started ahead", typescriptOnBun, "ahead");
runtimeContract("TypeScript on Bun, in a sandbox", typescriptOnBun, "in a sandbox");
