import sdk from "./index.cjs";

export const { context, getParam, FxError } = sdk;
