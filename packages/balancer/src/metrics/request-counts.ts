/**
 * What is counted of requests, and of TCP connections as if each were one; `load-balance.ts` and `balance-tcp.ts` write
 * it, and `elsewhere.ts` what other processes have counted.
 * Once no request waits, and while no worker was removed: the sum of the workers' `requests` =
 * `total` − `unattempted` + `retries`.
 */
export class RequestCounts {
  /** Requests, upgrades and TCP connections that were accepted for balancing. */
  total = 0
  /**
   * Those answered 502, 503 or 504 by the balancer itself, or cut by it for a worker's failure, or by the end of their
   * process; what a drain cuts is not in it.
   */
  failed = 0
  /** Those not yet over; an upgraded connection is active until it closes. */
  active = 0
  /** Those that were over before any worker was tried. */
  unattempted = 0
  /** Attempts beyond the first of a request. */
  retries = 0
  /** Retries that there could have been, had the budget not been used up. */
  retriesDenied = 0

  readonly #onRequest: (() => void) | undefined

  /** `onRequest` is called whenever a request has begun or ended. */
  constructor(onRequest?: () => void) {
    this.#onRequest = onRequest
  }

  /** Counts a request that was accepted. */
  begin(): void {
    this.total++
    this.active++
    this.#onRequest?.()
  }

  /** Counts its end, after so many attempts. */
  end(attempts: number): void {
    if (attempts === 0) this.unattempted++
    this.active--
    this.#onRequest?.()
  }
}
