/** What every contender's jobs do. */

/** Prints the job's one line, which tells its number and the moment, and returns it. */
export function job(number) {
  const line = `job ${number} ${now().toFixed(3)}`;
  console.log(line);
  return line;
}

export function fib(n) {
  return n <= 1 ? n : fib(n - 1) + fib(n - 2);
}

/** Milliseconds since the epoch, with fractions. */
export function now() {
  return performance.timeOrigin + performance.now();
}
