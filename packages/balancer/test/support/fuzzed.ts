import type { TestContext } from 'node:test'
import * as fc from 'fast-check'

const { FUZZ_SEED = String(Date.now() % 2 ** 31), FUZZ_RUNS = '2000', FUZZ_PATH } = process.env

/**
 * Holds `property` to many values: `FUZZ_RUNS`, by default 2000; the same for the same `FUZZ_SEED`. `FUZZ_PATH`, from the
 * report of a failure, is the way to one of them.
 */
export async function fuzzed<T>(
  t: TestContext,
  values: fc.Arbitrary<T>,
  property: (value: T) => Promise<void>,
): Promise<void> {
  t.diagnostic(`FUZZ_SEED=${FUZZ_SEED}`)
  await fc.assert(fc.asyncProperty(values, property), {
    seed: Number(FUZZ_SEED),
    numRuns: Number(FUZZ_RUNS),
    ...(FUZZ_PATH !== undefined && { path: FUZZ_PATH }),
  })
}
