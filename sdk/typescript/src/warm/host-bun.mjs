// Bun runs this in the place of a script, and then the script, again and again, as often as the platform says.
import { dial } from "../bootstrap-bun.mjs";
import { takeAddress } from "../channel.cjs";
import { BunScript } from "./bun-script.mjs";
import { WarmHost } from "./host.cjs";
import { WarmChannel } from "./warm-channel.cjs";

// As for a single run: Bun makes its own streams when these are described anew.
process.stdout = undefined;
process.stderr = undefined;
const channel = await dial(...takeAddress(), WarmChannel);
new WarmHost(channel, (file) => new BunScript(file)).serve();
