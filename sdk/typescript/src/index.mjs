import sdk from "./index.cjs";

export const { context, FxError, getParam, getSecret } = sdk;
