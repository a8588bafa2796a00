import assert from 'node:assert/strict'
import { suite, test } from 'node:test'
import { Place } from '../src/processes/place.ts'
import type { ServingProcess } from '../src/processes/serving-process.ts'

/** A process that notes what it is asked, and ends when it is told to. */
function process(asked: object[]): ServingProcess {
  const { promise: ended, resolve } = Promise.withResolvers<string>()
  const one = {
    state: 'starting',
    startedAt: Date.now(),
    hasEnded: false,
    ended,
    async ask(question: object) {
      asked.push(question)
      resolve('ended')
      return { isWhole: true }
    },
    kill() {},
  }
  return one as unknown as ServingProcess
}

suite('a place of a process', () => {
  test('that is given up before its process serves has that end what it took within the same time', async () => {
    const asked: object[] = []
    const { promise: up, resolve: serve } = Promise.withResolvers<void>()
    const { promise: gone, resolve: onEnd } = Promise.withResolvers<void>()
    const place = new Place({
      create: () => process(asked),
      bringUp: () => up,
      onEnd: () => onEnd(),
      onLoop: (error) => assert.fail(error),
    })
    const started = place.start()
    await place.leave(5000)
    serve()
    await started
    await gone
    assert.deepEqual(asked, [{ kind: 'end', bound: 5000, idle: 4000 }])
  })
})
