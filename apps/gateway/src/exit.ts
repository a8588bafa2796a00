/** So long is waited for whoever reads what was said, in ms. */
const PATIENCE = 1000

/** Ends this process when all that it said is written: `process.exit` drops what a pipe could not take at once. */
export function exit(code: number): void {
  setTimeout(() => process.exit(code), PATIENCE)
  process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
}
