import type { TestContext } from 'node:test'
import { startFaultyWorker, type Fault, type FaultyWorker } from '../faults/faulty-worker.ts'
import { inWorkersTls } from './tls-workers.ts'

/** A worker with a fault, that is closed when the test is over. */
export async function faulty(t: TestContext, fault: Fault): Promise<FaultyWorker> {
  const worker = await startFaultyWorker(fault, inWorkersTls())
  t.after(() => worker.close())
  return worker
}

/** A worker to which no connection comes to stand. */
export async function deafWorker(t: TestContext): Promise<string> {
  return (await faulty(t, { does: 'run out', of: 'backlog' })).url
}
