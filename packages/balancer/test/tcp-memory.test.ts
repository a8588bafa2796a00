import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { dialTcp, next, tcpWorker } from './support/tcp.ts'

/** Above any that is idle: a buffer kept for each connection would cost 64 KB. The goal is 15 KB. */
const BOUND = 30_000

for (const size of [1, 100_000])
  test(`2,000 idle connections that have carried ${size} bytes each way cost little memory`, async (t) => {
    const worker = await tcpWorker(t)
    const child = fork(new URL('support/tcp-balancer-process.ts', import.meta.url), [worker.url], {
      execArgv: ['--expose-gc', '--max-semi-space-size=1'],
    })
    t.after(() => child.kill('SIGKILL'))
    const [port] = (await once(child, 'message')) as [number]
    const memory = async (): Promise<number> => {
      child.send('memory')
      return ((await once(child, 'message')) as [number])[0]
    }
    const visit = async (length: number): Promise<Socket> => {
      const client = await dialTcp(port)
      client.write(Buffer.alloc(length))
      for (let got = 0; got < length;) got += (await next(client)).length
      return client
    }
    t.after(() => {
      for (const client of clients) client.destroy()
    })
    const clients = await Promise.all(Array.from({ length: 100 }, () => visit(1))) // so that all code is there
    const before = await memory()
    for (let i = 0; i < 2000; i += 20) {
      clients.push(...(await Promise.all(Array.from({ length: 20 }, () => visit(size)))))
      await turn()
    }
    const each = ((await memory()) - before) / 2000
    t.diagnostic(`${(each / 1000).toFixed(1)} KB each`)
    assert.ok(each < BOUND, `${each} bytes each`)
  })
