import type { Client } from '../client.ts'
import type { Worker } from '../worker.ts'

/**
 * Chooses one of the eligible workers, which are sorted by `seq` and never none. The list is the same array
 * until the eligible workers change, or holds fewer for a request that has tried some. `undefined` chooses nobody.
 */
export interface Strategy {
  (eligible: readonly Worker[], client: Client): Worker | undefined
  /** Whether it goes by what an HTTP request says, and not by the address alone: nothing for TCP. Default false. */
  readonly needsRequest?: boolean
}
