module.exports = {
  uiHost: "127.0.0.1",
  // Its own interface has the route /flow.
  httpNodeRoot: "/bench",
  flowFilePretty: true,
  credentialSecret: false,
  telemetry: { enabled: false },
  functionGlobalContext: { work: import("./work.mjs") },
};
