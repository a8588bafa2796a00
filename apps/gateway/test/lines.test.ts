import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { suite, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { passLines } from '../src/processes/lines.ts'

/** What comes of these parts, each from the process of that number, in a turn of its own. */
async function passed(parts: readonly (readonly [number, string])[]): Promise<string> {
  const out = new PassThrough()
  const from = [new PassThrough(), new PassThrough()]
  for (const one of from) passLines(one, out)
  for (const [number, part] of parts) {
    from[number]?.write(part)
    await turn()
  }
  for (const one of from) {
    one.end()
    await turn()
  }
  out.end()
  return text(out)
}

suite('what several processes write', () => {
  test('is passed on in whole lines, in whatever parts they come', async () => {
    const lines = await passed([
      [0, 'first of o'],
      [1, 'first of other\nsecond of ot'],
      [0, 'ne\nsec'],
      [1, 'her\n'],
      [0, 'ond of one\n'],
    ])
    assert.equal(lines, 'first of other\nfirst of one\nsecond of other\nsecond of one\n')
  })

  test('is a line too where the end came before its break', async () => {
    const lines = await passed([
      [0, 'cut off'],
      [1, 'whole\n'],
    ])
    assert.equal(lines, 'whole\ncut off\n')
  })

  test('is not torn within a character', async () => {
    const out = new PassThrough()
    const from = new PassThrough()
    passLines(from, out)
    const bytes = Buffer.from('é\n')
    from.write(bytes.subarray(0, 1))
    await turn()
    from.end(bytes.subarray(1))
    await turn()
    out.end()
    assert.equal(await text(out), 'é\n')
  })

  test('waits while nobody reads it', async () => {
    const out = new PassThrough({ highWaterMark: 10 })
    const from = new PassThrough()
    passLines(from, out)
    from.write('a line that is long enough\n')
    await turn()
    assert.ok(from.isPaused())
    out.resume()
    await turn()
    await turn()
    assert.ok(!from.isPaused())
  })
})
