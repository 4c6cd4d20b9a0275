// @ts-check
/** Preloaded, so that a process lives with a wrong clock: by FX_CHAOS_SKEW_MS milliseconds. Its timers go on as before. */
const skewMs = Number(process.env.FX_CHAOS_SKEW_MS);
const RealDate = Date;
const realNow = Date.now;

globalThis.Date = /** @type {DateConstructor} */ (
  new Proxy(RealDate, {
    construct(target, args, newTarget) {
      return Reflect.construct(target, args.length === 0 ? [realNow() + skewMs] : args, newTarget);
    },
    apply: (target) => new target(realNow() + skewMs).toString(),
    get: (target, name, receiver) => (name === "now" ? () => realNow() + skewMs : Reflect.get(target, name, receiver)),
  })
);
