import { searchServerContracts } from "./search-server.contracts.ts";

searchServerContracts("elasticsearch");
