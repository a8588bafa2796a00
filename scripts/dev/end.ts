/** Calls `end` once: on Ctrl-C and its kin, and when nobody is left who could press it. */
export function onEnd(end: (why: string) => Promise<void>): void {
  let ending = false
  const endOnce = (why: string): void => {
    if (ending) return
    ending = true
    void end(why)
  }
  // A second Ctrl-C changes nothing: the end is near, and impatience would leave processes behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, endOnce)
  process.stdout.on('error', () => endOnce('nobody reads the output'))
  process.stderr.on('error', () => endOnce('nobody reads the output'))

  const parent = process.ppid
  setInterval(() => {
    if (process.ppid !== parent) endOnce('the terminal is gone')
  }, 250).unref()
}
