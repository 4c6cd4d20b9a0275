import { context, getParam } from "@streamzero/fx";

console.log(`Hello ${getParam("name", "world")}, this is ${context.service.name}.`);
