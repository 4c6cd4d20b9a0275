import { typescript } from "./programs.ts";
import { runtimeContract } from "./runtime-contract.ts";

runtimeContract("TypeScript", typescript);
runtimeContract("TypeScript, started ahead", typescript, "ahead");
