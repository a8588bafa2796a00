// To be imported by a gateway's process, with --expose-gc: each SIGUSR2 has it say what it uses.
import { readdirSync } from 'node:fs'

process.on('SIGUSR2', () => {
  globalThis.gc?.()
  const kinds: Record<string, number> = { descriptors: readdirSync('/proc/self/fd').length }
  for (const kind of process.getActiveResourcesInfo()) kinds[kind] = (kinds[kind] ?? 0) + 1
  console.log(`usage ${JSON.stringify({ heap: process.memoryUsage().heapUsed, kinds })}`)
})
