import { z } from 'zod'

const quantiles = z.object({ p50: z.number(), p90: z.number(), p99: z.number() }).nullish()

const worker = z.object({
  id: z.string(),
  weight: z.number(),
  weightNow: z.number(),
  alive: z.boolean(),
  draining: z.boolean(),
  leaving: z.boolean(),
  breaker: z.string(),
  inFlight: z.number(),
  attempts: z.number(),
  outcomes: z.object({ failed: z.number() }),
  quantiles,
  lastProbe: z.object({ isWell: z.boolean(), reason: z.string(), streak: z.number() }).nullish(),
})

const pool = z.object({
  requests: z.object({ total: z.number(), failed: z.number(), active: z.number() }),
  eligible: z.number(),
  quantiles,
  workers: z.array(worker).readonly(),
})

const serving = z.object({
  number: z.number(),
  pid: z.number(),
  state: z.enum(['starting', 'serving', 'ending']),
  rss: z.number(),
  connections: z.number(),
})

/** What a gateway answers to `GET /stats`, as far as it is shown. */
export const statsSchema = z.object({
  gateway: z.object({
    pid: z.number(),
    startedAt: z.string(),
    uptime: z.number(),
    isReady: z.boolean(),
    isStopping: z.boolean(),
  }),
  processes: z.array(serving).readonly().optional(),
  pools: z.record(z.string(), pool),
})

export type Stats = z.output<typeof statsSchema>
export type PoolStats = z.output<typeof pool>
export type WorkerStats = z.output<typeof worker>
export type ServingStats = z.output<typeof serving>
