import type { TestContext } from 'node:test'

/**
 * Runs a check that may fail when the test has closed all it opened. Node runs hooks in the order of their registration and
 * drops those behind one that throws: the servers that they would have closed keep the process alive for ever.
 */
export function lastly(t: TestContext, check: () => void | Promise<void>): void {
  t.after(() => t.after(check)) // Node runs hooks that are added meanwhile behind all others
}
