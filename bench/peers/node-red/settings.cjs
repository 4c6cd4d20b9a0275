module.exports = {
  uiHost: "127.0.0.1",
  flowFilePretty: true,
  credentialSecret: false,
  telemetry: { enabled: false },
  functionGlobalContext: { work: import("./work.mjs") },
};
