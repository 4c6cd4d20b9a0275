import { python } from "./programs.ts";
import { runtimeContract } from "./runtime-contract.ts";

runtimeContract("Python, forked", python);
runtimeContract("Python, started ahead", python, "ahead");
runtimeContract("Python, started anew", python, "anew");
runtimeContract("Python, in a sandbox", python, "in a sandbox");
