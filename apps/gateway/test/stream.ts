import { request, type IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'

/** A stream without an end, by a connection of its own; `over` resolves with its end, whatever that is. */
export function stream(t: TestContext, url: string): Promise<{ res: IncomingMessage; over: Promise<void> }> {
  return new Promise((resolve, reject) => {
    const req = request(`${url}/events`, { agent: false }, (res) => {
      const over = new Promise<void>((done) => res.on('close', done))
      res.on('error', () => {}).resume()
      resolve({ res, over })
    })
    t.after(() => req.destroy())
    req.on('error', reject).end()
  })
}
