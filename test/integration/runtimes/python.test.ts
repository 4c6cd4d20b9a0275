import { python } from "./programs.ts";
import { runtimeContract } from "./runtime-contract.ts";

runtimeContract("Python", python);
