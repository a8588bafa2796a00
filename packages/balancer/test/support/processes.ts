import assert from 'node:assert/strict'
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { TestContext } from 'node:test'

export interface WorkerProcess {
  readonly url: string
  readonly port: number
  readonly child: ChildProcess
}

/** A worker in a process of its own; port 0 is any that is free. */
export async function startProcess(t: TestContext, port = 0): Promise<WorkerProcess> {
  const child = fork(new URL('worker-process.ts', import.meta.url), [String(port)])
  t.after(() => child.kill('SIGKILL'))
  const [bound] = (await once(child, 'message')) as [unknown]
  assert.ok(typeof bound === 'number')
  return { url: `http://127.0.0.1:${bound}`, port: bound, child }
}
