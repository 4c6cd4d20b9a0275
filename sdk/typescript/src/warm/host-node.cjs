"use strict";
// Node runs this in the place of a script, and then the script, again and again, as often as the platform says.
const { takeAddress } = require("../channel.cjs");
const { dial } = require("../dial.cjs");
const { WarmHost } = require("./host.cjs");
const { NodeScript } = require("./node-script.cjs");
const { WarmChannel } = require("./warm-channel.cjs");

const channel = dial(...takeAddress(), WarmChannel);
new WarmHost(channel, (file) => new NodeScript(file)).serve();
