/** Probes that nobody fails for being off the CPU for a second, or two. */
export const HEALTH = { schedule: '*/3 * * * * *', timeout: '2900ms' } as const

/** A config that has those where it says nothing of probes. */
export function patient<C extends object>(config: C): C {
  const { workers, pools } = config as { workers?: unknown; pools?: Record<string, object> }
  return {
    ...(workers !== undefined && { health: HEALTH }),
    ...config,
    ...(pools && {
      pools: Object.fromEntries(
        Object.entries(pools).map(([name, pool]) => [name, { health: HEALTH, ...pool }]),
      ),
    }),
  }
}
