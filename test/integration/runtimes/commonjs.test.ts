import { commonJs } from "./programs.ts";
import { runtimeContract } from "./runtime-contract.ts";

runtimeContract("JavaScript (CommonJS)", commonJs);
runtimeContract("JavaScript (CommonJS), started ahead", commonJs, "ahead");
