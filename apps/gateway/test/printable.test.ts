import assert from 'node:assert/strict'
import { test } from 'node:test'
import { saySeldom } from '../src/access-log.ts'
import { line, sentence, word } from '../src/printable.ts'

test('a word of the log is visible ASCII without quotes, backslashes and spaces', () => {
  for (let code = 0; code < 0x3000; code++) {
    const character = String.fromCharCode(code)
    const isPlain = code > 0x20 && code < 0x7f && character !== '"' && character !== '\\'
    const shown = word(character)
    if (isPlain) assert.equal(shown, character)
    else assert.match(shown, code < 0x100 ? /^\\x[0-9a-f]{2}$/ : /^\\u[0-9a-f]{4}$/)
    assert.equal(sentence(character), character === ' ' ? ' ' : shown)
  }
  assert.equal(word('/a\r\nb"\\ é\u2028😀'), String.raw`/a\x0d\x0ab\x22\x5c\x20\xe9\u2028\ud83d\ude00`)
})

test('a line for a terminal has all that is seen, and nothing that a terminal obeys', () => {
  assert.equal(line('"é" 漢 → 😀 \\'), '"é" 漢 → 😀 \\')
  assert.equal(
    line('\u001b[2J\n\u009b\u202e\u2028\u{e0001}\ud800'),
    String.raw`\x1b[2J\x0a\x9b\u202e\u2028\u{e0001}\ud800`,
  )
})

test('what is long is cut, and says so', () => {
  assert.equal(word('x'.repeat(2000)), 'x'.repeat(2000))
  assert.equal(word('x'.repeat(2001)), `${'x'.repeat(2000)}…`)
  assert.equal(sentence('a b c', 3), 'a b…')
})

test('what a flood causes is said at once, and then once a second with the number left out', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const log = t.mock.method(console, 'log', () => {})
  const report = saySeldom()
  const said = (): string[] =>
    log.mock.calls.map(({ arguments: [line] }) => String(line).replace(/^\S+Z /, ''))
  for (let i = 1; i <= 1000; i++) report(`line ${i}`)
  assert.deepEqual(said(), ['line 1'])
  t.mock.timers.tick(1000)
  assert.deepEqual(said(), ['line 1', 'line 1000, and 998 more like it'])
  report('line 1001')
  t.mock.timers.tick(1000)
  assert.deepEqual(said().slice(2), ['line 1001'])
  t.mock.timers.tick(1000)
  report('line 1002')
  assert.deepEqual(said().slice(3), ['line 1002'])
})
