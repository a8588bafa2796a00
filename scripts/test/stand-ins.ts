import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { startCluster } from '../dev/cluster.ts'
import { freePorts, waitFor } from './processes.ts'

/** A cluster of stand-ins whose sources the test may change: two workers and a gateway, each text a program. */
export async function standIns(t: TestContext, worker: string, gateway: string) {
  const dir = mkdtempSync(join(tmpdir(), 'rondo-dev-'))
  const code = (name: string, text: string) => {
    const sources = mkdtempSync(join(dir, `${name}-`))
    const file = join(sources, 'main.ts')
    const save = (as: string, body: string): void => {
      // The way of many editors: a new file takes the old one's name.
      writeFileSync(join(sources, 'new~'), body)
      renameSync(join(sources, 'new~'), join(sources, as))
    }
    save('main.ts', text)
    return { file, sources: [sources], save }
  }
  const lines: string[] = []
  const print = (name: string, line: string): void => void lines.push(`${name}: ${line}`)
  const [gatewayPort = 0, ...workerPorts] = await freePorts(3)
  const parts = { worker: code('worker', worker), gateway: code('gateway', gateway) }
  const cluster = startCluster({ gatewayPort, workerPorts, env: process.env, print, ...parts })
  t.after(async () => {
    await cluster.stop()
    rmSync(dir, { recursive: true })
  })
  const count = (what: RegExp): number => lines.filter((line) => what.test(line)).length
  const seen = (what: RegExp, times = 1) =>
    waitFor(
      `${times} × ${what}`,
      () => lines.join('\n'),
      () => count(what) >= times,
    )
  return { ...parts, cluster, count, seen }
}

/** A program that says `what` once it listens. */
export const serving = (what: string): string =>
  `import { createServer } from 'node:http'
   createServer((_req, res) => res.end('')).listen(process.env.PORT, () => console.log('${what}'))`
